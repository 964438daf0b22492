"""Bands of coefficients that share a threshold, and the sparse priors that they divide.

Bands are relative to the box, so that what is learned at one box size can be used at another, for particles of the same
scale.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from cryosense.priors import DCT, L1, Wavelet
from cryosense.shown import ShowsParameters


class BandedBasis(ShowsParameters, ABC):
    """An orthonormal basis and the bands into which its coefficients are divided.

    Attributes:
        name: name of the basis in records.
        count: number of bands.
    """

    name: str
    count: int

    @property
    @abstractmethod
    def prior(self) -> L1:
        """The l1 norm of all coefficients but the coarsest scale."""

    @abstractmethod
    def bands(self, box_size: int) -> Tensor:
        """Return the band of each coefficient, 0 to ``count`` - 1, as (n, n) int64."""


@dataclass(frozen=True)
class DCTBands(BandedBasis):
    """The DCT in rings whose edges grow with the square, since signal and noise differ most at low frequencies."""

    count: int = 8
    name = "dct"

    @property
    def prior(self) -> L1:
        return L1(DCT())

    def bands(self, box_size: int) -> Tensor:
        axis = torch.arange(box_size, dtype=torch.float64) / box_size
        radius = torch.hypot(axis[:, None], axis[None, :]) / 2**0.5  # below 1
        return (self.count * radius.sqrt()).long()


@dataclass(frozen=True)
class WaveletBands(BandedBasis):
    """A wavelet basis by scale, band 0 the finest; scales beyond the last band belong to the last."""

    wavelet: str = "haar"
    count: int = 6

    @property
    def name(self) -> str:  # type: ignore[override]
        """Name of the wavelet."""
        return self.wavelet

    @property
    def prior(self) -> L1:
        return L1(Wavelet(self.wavelet))

    def bands(self, box_size: int) -> Tensor:
        band = torch.zeros(box_size, box_size, dtype=torch.int64)
        for level, size in enumerate(Wavelet(self.wavelet).sizes(box_size)):
            band[:size, :size] = min(level, self.count - 1)
        return band
