"""Detector and solvent noise: Gaussian, stationary, of unit variance per pixel, white or with a radial power spectrum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from cryosense import fourier
from cryosense.errors import ArgumentError

from .ranges import Range, at, ends


class NoiseModel(Protocol):
    """A filter that colours white noise; the result has variance 1 per pixel on average over realisations."""

    def colour(self, white: Tensor, pixel_size_angstrom: float) -> Tensor:
        """Return coloured noise (b, n, n) from standard normals (b, n, n)."""


@dataclass(frozen=True)
class WhiteNoise:
    """The same power at all frequencies: counting noise of a perfect detector."""

    def colour(self, white: Tensor, pixel_size_angstrom: float) -> Tensor:
        """Return the noise unchanged, (b, n, n)."""
        return white


@dataclass(frozen=True)
class PowerLawNoise:
    """Power ``1 / (1 + (corner |k|)^exponent)``: flat below 1 / ``corner_angstrom``, falling with the exponent above.

    Raises:
        ArgumentError: a corner or exponent that is not positive.
    """

    corner_angstrom: float = 25.0
    exponent: float = 1.0

    def __post_init__(self) -> None:
        if self.corner_angstrom <= 0 or self.exponent <= 0:
            raise ArgumentError(
                f"noise_model: corner_angstrom {self.corner_angstrom} and exponent {self.exponent} must both be positive"
            )

    def colour(self, white: Tensor, pixel_size_angstrom: float) -> Tensor:
        """Return coloured noise, (b, n, n); see ``NoiseModel``."""
        frequency = _frequency(white.shape[-1], pixel_size_angstrom)
        return _filter(white, 1 / (1 + (self.corner_angstrom * frequency) ** self.exponent))


@dataclass(frozen=True)
class PowerLawRange:
    """``PowerLawNoise`` whose corner and exponent are drawn for each micrograph, evenly between the ends of [low, high].

    Raises:
        ArgumentError: not a range, or ends that are not positive; noise that is asked for without a micrograph.
    """

    corner_angstrom: Range = (15.0, 60.0)
    exponent: Range = (0.2, 2.0)

    def __post_init__(self) -> None:
        PowerLawNoise(ends(self.corner_angstrom, "corner_angstrom")[0], ends(self.exponent, "exponent")[0])

    def drawn(self, uniform: Tensor) -> PowerLawNoise:
        """Return the noise of the micrograph for which uniform numbers (2,) were drawn, rounded to four digits."""
        corner, exponent = (float(f"{float(at(each, u)):.4g}") for each, u in zip(self._ranges, uniform, strict=True))
        return PowerLawNoise(corner, exponent)

    @property
    def _ranges(self) -> tuple[Range, Range]:
        return self.corner_angstrom, self.exponent


@dataclass(frozen=True)
class TabulatedNoise:
    """Power given at frequencies in 1 / Angstrom, linear between them and constant beyond the ends: a measured spectrum.

    Raises:
        ArgumentError: lists of different lengths, frequencies that do not increase, or power that is negative or 0 throughout.
    """

    frequencies_per_angstrom: Sequence[float]
    power: Sequence[float]

    def __post_init__(self) -> None:
        if len(self.frequencies_per_angstrom) != len(self.power) or not len(self.power):
            raise ArgumentError("noise_model: frequencies_per_angstrom and power must be lists of the same length, not empty")
        if np.any(np.diff(self.frequencies_per_angstrom) <= 0):
            raise ArgumentError("frequencies_per_angstrom must increase")
        if min(self.power) < 0 or max(self.power) == 0:
            raise ArgumentError("power must not be negative, nor 0 throughout")

    def colour(self, white: Tensor, pixel_size_angstrom: float) -> Tensor:
        """Return coloured noise, (b, n, n); see ``NoiseModel``."""
        frequency = _frequency(white.shape[-1], pixel_size_angstrom).numpy()
        return _filter(white, torch.from_numpy(np.interp(frequency, self.frequencies_per_angstrom, self.power)))


def _frequency(box_size: int, pixel_size_angstrom: float) -> Tensor:
    """Return |k| in 1 / Angstrom, (n, n) float64, centred."""
    return fourier.frequency_radius(box_size) / (box_size * pixel_size_angstrom)


def _filter(white: Tensor, power: Tensor) -> Tensor:
    """Return white noise (b, n, n) given a power spectrum, (n, n) centred, scaled to variance 1 per pixel."""
    amplitude = fourier.centred_to_half_plane(torch.sqrt(power / power.mean())).to(white.dtype)
    return fourier.from_half_plane(fourier.half_plane(white) * amplitude, white.shape[-1])
