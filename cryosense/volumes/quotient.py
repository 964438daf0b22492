"""Sums of slices divided, plane by plane, and the map that the quotient is the transform of."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from cryosense import fourier
from cryosense.volumes.gaps import fill_gaps
from cryosense.volumes.half_ball import HalfBallSums


class Quotient:
    """``numerator / (weight + regularisation * mean weight of the shell)`` on m points a side, 0 where nothing was added."""

    def __init__(self, parts: Sequence[HalfBallSums], padded_size: int, regularisation: float) -> None:
        self.parts, self.padded_size = parts, padded_size
        self.edges = [part.edge() for part in parts]
        self.floor = regularisation * self._mean_weights()

    def planes(self, first: int, last: int) -> Tensor:
        """-> (l, m, m // 2 + 1) complex64: planes ``first`` to ``last`` along z, as :func:`fourier.half_space` has them."""
        numerator, divisor = self.terms(first, last)
        return (numerator * _inverse(divisor)).to(torch.complex64)

    def terms(self, first: int, last: int) -> tuple[Tensor, Tensor]:
        """-> numerator and divisor (l, m, m // 2 + 1) of these planes, in double precision."""
        sums, shell = self._sums(first, last), self._shells(first, last)
        divisor = torch.where(shell <= self.padded_size // 2, sums[..., 2] + self.floor[shell], 0)
        return torch.complex(sums[..., 0], sums[..., 1]), divisor

    def volume(self, box_size: int, pad_factor: int) -> Tensor:
        """-> (n, n, n) float32: the map in the middle, on the scale of the images, corrected for the interpolation."""
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
        """-> the change of this quotient with the weight of a part of its sums."""
        return _Deviation(self, part)

    def _sums(self, first: int, last: int) -> Tensor:
        """-> (l, m, m // 2 + 1, 3) float64."""
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
        """-> (shells,) float64: mean over the points of each shell of the half space."""
        m, device = self.padded_size, self.edges[0].device
        shells = int(self._shells(0, 1).max()) + 1
        sums = torch.zeros(shells, dtype=torch.float64, device=device)
        counts = torch.zeros_like(sums)
        for first in range(0, m, fourier.PLANES_AT_A_TIME):
            last = min(first + fourier.PLANES_AT_A_TIME, m)
            shell, weight = self._shells(first, last).flatten(), self._sums(first, last)[..., 2].flatten()
            sums += torch.bincount(shell, weight, minlength=shells)
            counts += torch.bincount(shell, minlength=shells)
        return sums / counts.clamp_min(1)


class _Deviation(Quotient):
    """``(N_g - N / W W_g) / W``: numerator and divisor of a whole and of a part of it."""

    def __init__(self, whole: Quotient, part: Quotient) -> None:
        self.whole, self.part, self.padded_size = whole, part, whole.padded_size

    def planes(self, first: int, last: int) -> Tensor:
        numerator, divisor = self.whole.terms(first, last)
        part_numerator, part_divisor = self.part.terms(first, last)
        inverse = _inverse(divisor)
        return ((part_numerator - numerator * inverse * part_divisor) * inverse).to(torch.complex64)


def _inverse(divisor: Tensor) -> Tensor:
    return torch.where(divisor > 0, 1 / divisor, 0)
