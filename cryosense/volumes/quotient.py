"""Sums of slices divided, plane by plane, and the map whose transform is the quotient."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from cryosense import fourier
from cryosense.shown import ShowsParameters
from cryosense.volumes.gaps import fill_gaps
from cryosense.volumes.half_ball import HalfBallSums


class Quotient(ShowsParameters):
    """``numerator / (weight + regularisation * mean weight of the shell)`` on m points a side, 0 where nothing was added."""

    def __init__(self, parts: Sequence[HalfBallSums], padded_size: int, regularisation: float) -> None:
        self.parts, self.padded_size = parts, padded_size
        self.edges = [part.edge() for part in parts]
        self.floor = regularisation * self._mean_weights()

    def planes(self, first: int, last: int) -> Tensor:
        """Return planes ``first`` to ``last`` along z, (l, m, m // 2 + 1) complex64, laid out as by ``fourier.half_space``."""
        if self.edges[0].device.type != "cpu":
            return self.planes_by_torch(first, last)
        from cryosense.volumes.compiled import divide_planes

        m = self.padded_size
        quotient = torch.zeros(last - first, m, m // 2 + 1, dtype=torch.complex64)
        divide_planes(tuple(self._arrays()), self.floor.numpy(), m, first, quotient.numpy())
        return quotient

    def planes_by_torch(self, first: int, last: int) -> Tensor:
        """Do what ``planes`` does with torch's operations, on any device."""
        numerator, divisor = self.terms(first, last)
        return (numerator * _inverse(divisor)).to(torch.complex64)

    def terms(self, first: int, last: int) -> tuple[Tensor, Tensor]:
        """Return numerator and divisor (l, m, m // 2 + 1) of these planes, in double precision."""
        sums, shell = self._sums(first, last), self._shells(first, last)
        divisor = torch.where(shell <= self.padded_size // 2, sums[..., 2] + self.floor[shell], 0)
        return torch.complex(sums[..., 0], sums[..., 1]), divisor

    def volume(self, box_size: int, pad_factor: int) -> Tensor:
        """Return the map in the middle, on the scale of the images, corrected for the interpolation, (n, n, n) float32."""
        n, m = box_size, self.padded_size
        volume = fourier.central_from_half_space(self.planes, m, n)
        middle = self.planes(m // 2 - pad_factor + 1, m // 2 + pad_factor)
        volume = fill_gaps(volume, middle, m, pad_factor)
        position = (torch.arange(n, device=volume.device, dtype=torch.float64) - n // 2) / m
        kernel = (torch.sinc(position) ** 2).float()
        volume /= kernel[:, None] * kernel
        # Unitary in 2D to unitary in 3D, as in Projector.
        volume *= (n / m**1.5 / kernel)[:, None, None]
        return volume

    def deviation(self, part: Quotient) -> Quotient:
        """Return the change of this quotient with the weight of a part of its sums."""
        return _Deviation(self, part)

    def _sums(self, first: int, last: int) -> Tensor:
        """Return the sums of these planes, (l, m, m // 2 + 1, 3) float64."""
        m = self.padded_size
        dense = torch.zeros(last - first, m, m // 2 + 1, 3, dtype=torch.float64, device=self.edges[0].device)
        for part, edge in zip(self.parts, self.edges, strict=True):
            low, high = max(first - m // 2, -part.reach), min(last - m // 2, part.reach + 1)
            if low >= high:
                continue
            planes = part.planes(low, high, edge)
            # The reach of a part may be within the grid, or one point beyond it.
            y = slice(max(m // 2 - part.reach, 0), m // 2 + part.reach + 1)
            into = dense[low + m // 2 - first : high + m // 2 - first, y, : part.reach + 1]
            cut = max(part.reach - m // 2, 0)
            into += planes[:, cut : cut + into.shape[1], : into.shape[2]]
        return dense

    def _shells(self, first: int, last: int) -> Tensor:
        return fourier.half_space_shells(self.padded_size, first, last, device=self.edges[0].device)

    def _mean_weights(self) -> Tensor:
        """Return the mean weight over the points of each shell of the half space, (shells,) float64."""
        counts = shell_counts(self.padded_size).to(self.edges[0].device)
        if self.edges[0].device.type != "cpu":
            return self.shell_weights_by_torch(len(counts)) / counts
        from cryosense.volumes.compiled import add_shell_weights

        totals = torch.zeros_like(counts)
        for arrays in self._arrays():
            add_shell_weights(*arrays, self.padded_size, totals.numpy())
        return totals / counts

    def shell_weights_by_torch(self, shells: int) -> Tensor:
        """Return the weights of each shell, (shells,) float64, summed with torch's operations, on any device."""
        totals = torch.zeros(shells, dtype=torch.float64, device=self.edges[0].device)
        for first, last in _portions(self.padded_size):
            weight = self._sums(first, last)[..., 2]
            totals += torch.bincount(self._shells(first, last).flatten(), weight.flatten(), minlength=shells)
        return totals

    def _arrays(self) -> Iterator[tuple[np.ndarray, ...]]:
        """Yield for each part its sums, starts and lengths of its rows, and edge, as the compiled loops take them."""
        for part, edge in zip(self.parts, self.edges, strict=True):
            yield part.sums.view(-1).numpy(), part.starts.numpy(), part.lengths.numpy(), edge.numpy()


class _Deviation(Quotient):
    """``(N_g - N / W W_g) / W``, from numerator and divisor of a whole and of a part of it."""

    def __init__(self, whole: Quotient, part: Quotient) -> None:
        self.whole, self.part, self.padded_size = whole, part, whole.padded_size

    def planes(self, first: int, last: int) -> Tensor:
        numerator, divisor = self.whole.terms(first, last)
        part_numerator, part_divisor = self.part.terms(first, last)
        inverse = _inverse(divisor)
        return ((part_numerator - numerator * inverse * part_divisor) * inverse).to(torch.complex64)


@functools.cache
def shell_counts(size: int) -> Tensor:
    """Return the number of points of the half space in each shell, corners included, (shells,) float64."""
    counts = torch.zeros(1, dtype=torch.int64)
    for first, last in _portions(size):
        here = torch.bincount(fourier.half_space_shells(size, first, last).flatten(), minlength=len(counts))
        here[: len(counts)] += counts
        counts = here
    return counts.double()


def _portions(size: int) -> list[tuple[int, int]]:
    step = fourier.PLANES_AT_A_TIME
    return [(first, min(first + step, size)) for first in range(0, size, step)]


def _inverse(divisor: Tensor) -> Tensor:
    return torch.where(divisor > 0, 1 / divisor, 0)
