"""The Fourier coefficients by which poses are found: one of each Friedel pair, from low frequency to high."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from cryosense import fourier
from cryosense.errors import ArgumentError
from cryosense.shown import ShowsInModule


class Observed(NamedTuple):
    """Coefficients of b particles, (b, k) complex, their CTF (1 or b, k), and the measured share of each (1 or b, k)."""

    spectrum: Tensor
    ctf: Tensor
    share: Tensor


class Matched(NamedTuple):
    """What the likelihood uses of b particles: ``c w y`` (b, k) complex and ``c^2 w`` (b, k), w = share / noise power."""

    numerator: Tensor
    weight: Tensor

    def scaled(self, amplitude: float | Tensor) -> Matched:
        """Return the same for a reference multiplied by ``amplitude``, a number or (b, 1)."""
        return Matched(self.numerator * amplitude, self.weight * amplitude**2)


class Disc(ShowsInModule, nn.Module):
    """The k coefficients of a half plane at radii in (0, ``limit``], one of each Friedel pair, by increasing radius.

    The mean is left out: images come with any offset. Fewer shells are the first ``count(shell)`` of them.

    Raises:
        ArgumentError: no shell, or shells beyond the circle of radius n / 2.
    """

    numbers: Tensor
    positions: Tensor
    shells: Tensor

    def __init__(self, box_size: int, limit: int) -> None:
        super().__init__()
        if not 1 <= limit < box_size // 2:
            raise ArgumentError(f"frequency limit of {limit} shells: give 1 to {box_size // 2 - 1} in a box of {box_size} px")
        self.box_size, self.limit = box_size, limit
        rows = (torch.arange(box_size) + box_size // 2) % box_size - box_size // 2
        y, x = torch.meshgrid(rows, torch.arange(box_size // 2 + 1), indexing="ij")
        squared = x**2 + y**2
        # The column x = 0 holds both of each pair.
        kept = (squared > 0) & (squared <= limit**2) & ((x > 0) | (y > 0))
        numbers = kept.flatten().nonzero()[:, 0]
        numbers = numbers[torch.argsort(squared.flatten()[numbers], stable=True)]
        self.register_buffer("numbers", numbers, persistent=False)
        self.register_buffer("positions", torch.stack([x, y], -1).flatten(0, 1)[numbers].float(), persistent=False)
        self.register_buffer("shells", squared.flatten()[numbers].sqrt().round().long(), persistent=False)

    def count(self, limit: int) -> int:
        """Return how many coefficients lie at radii up to ``limit``."""
        return int((self.positions.square().sum(-1) <= limit**2).sum())

    def of_half_plane(self, plane: Tensor) -> Tensor:
        """Return the values (..., k) of a half plane (..., n, n // 2 + 1) at these coefficients."""
        return plane.flatten(-2)[..., self.numbers]

    def observed(self, images: Tensor, ctf: Tensor | None, shares: Tensor | None) -> Observed:
        """Return what is seen of images (b, n, n) centred on n // 2, with CTF (b, n, n // 2 + 1), None for 1.

        ``shares``, (1 or b, n, n) centred, are those of ``LinearOperator.measured_shares``, and the images are then its ``A^+
        y``; None for 1.
        """
        one = torch.ones(1, 1, dtype=images.dtype, device=images.device)
        share = one if shares is None else self.of_half_plane(fourier.centred_to_half_plane(shares))
        spectrum = self.of_half_plane(fourier.centred_half_plane(images))
        return Observed(spectrum * (share > 0), one if ctf is None else self.of_half_plane(ctf), share)

    def phases(self, origins_pixels: Tensor, count: int) -> Tensor:
        """Return complex factors (..., count) that move a particle to minus its origin (..., 2); see ``origin_phases``."""
        turns = 2 * torch.pi / self.box_size * (origins_pixels.to(self.positions.dtype) @ self.positions[:count].T)
        return torch.polar(torch.ones_like(turns), turns)

    def shell_sum(self, values: Tensor) -> Tensor:
        """Return sums over shells (..., limit + 1) of real values (..., k)."""
        sums = torch.zeros(*values.shape[:-1], self.limit + 1, dtype=values.dtype, device=values.device)
        return sums.index_add_(-1, self.shells.clamp_max(self.limit), values)


def matched(observed: Observed, noise_power: Tensor) -> Matched:
    """Return what the likelihood uses of coefficients with noise of power ``noise_power`` (1 or b, k).

    With share p of a coefficient measured, ``A^+ y`` holds p times it and noise of p times the power, so that it enters as it
    is and its expectation with weight p (see ``volumes.backproject.slices``). A quantiser that keeps the share eta of the
    information in a coefficient makes its noise 1 / eta times as large: that is in the noise power.
    """
    numerator = observed.spectrum * (observed.ctf / noise_power)
    return Matched(numerator, (observed.ctf**2 * observed.share / noise_power).expand(numerator.shape))
