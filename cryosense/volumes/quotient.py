"""Sums of slices divided, a part at a time, and the map whose transform is the quotient."""

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
        self.parts, self.padded_size, self.device = parts, padded_size, parts[0].sums.device
        self.edges = [part.edge() for part in parts]
        self.floor = regularisation * self._mean_weights()

    def block(self, planes: range, columns: range) -> Tensor:
        """Return planes along z and columns along x, (p, m, c) complex64, laid out as by ``fourier.half_space``."""
        if self.device.type != "cpu":
            return self.block_by_torch(planes, columns)
        from cryosense.volumes.compiled import divide_block

        m = self.padded_size
        quotient = torch.zeros(len(planes), m, len(columns), dtype=torch.complex64)
        divide_block(tuple(self._arrays()), self.floor.numpy(), m, planes.start, columns.start, quotient.numpy())
        return quotient

    def block_by_torch(self, planes: range, columns: range) -> Tensor:
        """Do what ``block`` does with torch's operations, on any device."""
        numerator, divisor = self.terms(planes, columns)
        return (numerator * _inverse(divisor)).to(torch.complex64)

    def terms(self, planes: range, columns: range) -> tuple[Tensor, Tensor]:
        """Return numerator and divisor (p, m, c) of these planes and columns, in double precision."""
        sums, shell = self._sums(planes, columns), self._shells(planes, columns)
        divisor = torch.where(shell <= self.padded_size // 2, sums[..., 2] + self.floor[shell], 0)
        return torch.complex(sums[..., 0], sums[..., 1]), divisor

    def volume(self, box_size: int, pad_factor: int) -> Tensor:
        """Return the map in the middle, on the scale of the images, corrected for the interpolation, (n, n, n) float32."""
        n, m = box_size, self.padded_size
        volume = fourier.central_from_half_space(self.block, m, n, self.device)
        middle = self.block(range(m // 2 - pad_factor + 1, m // 2 + pad_factor), range(pad_factor))
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

    def _sums(self, planes: range, columns: range) -> Tensor:
        """Return the sums of these planes and columns, (p, m, c, 3) float64."""
        m = self.padded_size
        dense = torch.zeros(len(planes), m, len(columns), 3, dtype=torch.float64, device=self.device)
        for part, edge in zip(self.parts, self.edges, strict=True):
            z = range(max(planes.start - m // 2, -part.reach), min(planes.stop - m // 2, part.reach + 1))
            x = range(columns.start, min(columns.stop, part.reach + 1))
            if not z or not x:
                continue
            # The reach of a part may be within the grid, or one point beyond it.
            into = dense[z.start + m // 2 - planes.start :, max(m // 2 - part.reach, 0) : m // 2 + part.reach + 1, : len(x)]
            cut = max(part.reach - m // 2, 0)
            into[: len(z)] += part.block(z, x, edge)[:, cut : cut + into.shape[1]]
        return dense

    def _shells(self, planes: range, columns: range) -> Tensor:
        return fourier.half_space_shells(self.padded_size, planes, columns, device=self.device)

    def _mean_weights(self) -> Tensor:
        """Return the mean weight over the points of each shell of the half space, (shells,) float64."""
        counts = shell_counts(self.padded_size).to(self.device)
        if self.device.type != "cpu":
            return self.shell_weights_by_torch(len(counts)) / counts
        from cryosense.volumes.compiled import add_shell_weights

        totals = torch.zeros_like(counts)
        for arrays in self._arrays():
            add_shell_weights(*arrays, self.padded_size, totals.numpy())
        return totals / counts

    def shell_weights_by_torch(self, shells: int) -> Tensor:
        """Return the weights of each shell, (shells,) float64, summed with torch's operations, on any device."""
        totals = torch.zeros(shells, dtype=torch.float64, device=self.device)
        columns = range(self.padded_size // 2 + 1)
        for planes in fourier.portions(self.padded_size, fourier.PLANES_AT_A_TIME):
            weight = self._sums(planes, columns)[..., 2]
            totals += torch.bincount(self._shells(planes, columns).flatten(), weight.flatten(), minlength=shells)
        return totals

    def _arrays(self) -> Iterator[tuple[np.ndarray, ...]]:
        """Yield for each part its sums, starts and lengths of its rows, and edge, as the compiled loops take them."""
        for part, edge in zip(self.parts, self.edges, strict=True):
            yield part.sums.view(-1).numpy(), part.starts.numpy(), part.lengths.numpy(), edge.numpy()


class _Deviation(Quotient):
    """``(N_g - N / W W_g) / W``, from numerator and divisor of a whole and of a part of it."""

    def __init__(self, whole: Quotient, part: Quotient) -> None:
        self.whole, self.part, self.padded_size, self.device = whole, part, whole.padded_size, whole.device

    def block(self, planes: range, columns: range) -> Tensor:
        numerator, divisor = self.whole.terms(planes, columns)
        part_numerator, part_divisor = self.part.terms(planes, columns)
        inverse = _inverse(divisor)
        return ((part_numerator - numerator * inverse * part_divisor) * inverse).to(torch.complex64)


@functools.cache
def shell_counts(size: int) -> Tensor:
    """Return the number of points of the half space in each shell, corners included, (shells,) float64."""
    counts = torch.zeros(1, dtype=torch.int64)
    for planes in fourier.portions(size, fourier.PLANES_AT_A_TIME):
        here = torch.bincount(fourier.half_space_shells(size, planes).flatten(), minlength=len(counts))
        here[: len(counts)] += counts
        counts = here
    return counts.double()


def _inverse(divisor: Tensor) -> Tensor:
    return torch.where(divisor > 0, 1 / divisor, 0)
