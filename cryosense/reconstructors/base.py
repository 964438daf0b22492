"""Reconstructors: from a measurement and its operator to an image, ``x = R(y, A)``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

from torch import Tensor, nn

from cryosense.operators import LinearOperator


class Estimate(NamedTuple):
    """Reconstructed images and what they took; entries that a method does not have are None."""

    x: Tensor  # (b, 1, n, n)
    iterations: Tensor | None = None  # (b,)
    gap: Tensor | None = None  # (b,) relative gap at which each image stopped
    network_evaluations: int | None = None
    deviation: Tensor | None = None  # (b, 1, n, n) per pixel, where x is the mean of samples
    samples: Tensor | None = None  # (s, b, 1, n, n)


class Reconstructor(nn.Module, ABC):
    """A method that any operator can be given to. What it learns beforehand, it learns from :meth:`fit`."""

    name: str
    prior: str | None = None
    weight: float | None = None
    sampler_name: str | None = None
    samples: int | None = None  # drawn per particle
    learns = False  # whether it needs :meth:`fit`

    def fit(self, images: Tensor, targets: Tensor) -> None:
        """(t, 1, n, n), (t, 1, n, n): learn from images like those to come and what they should be reconstructed to."""

    def operator(self, configured: LinearOperator) -> LinearOperator:
        """-> the operator that this method measures with: the configured one, but for baselines that replace it."""
        return configured

    def bits(self, operator: LinearOperator, bits_per_number: int) -> Tensor:
        """-> (1 or b,): bits per image that leave the detector for this method."""
        return operator.measurement_bits(bits_per_number)

    def prepare(self, box_size: int) -> None:
        """Make what depends on the box alone. Raises ValueError for a box that the method cannot work on."""

    @abstractmethod
    def estimate(self, y: Tensor, operator: LinearOperator) -> Estimate:
        """(b, ...) -> images (b, 1, n, n) and what they took."""

    def reconstruct(self, y: Tensor, operator: LinearOperator, particles: Tensor) -> Estimate:
        """As :meth:`estimate`; ``particles`` (b,) are the numbers by which a method with random draws keys them."""
        del particles
        return self.estimate(y, operator)

    def forward(self, y: Tensor, operator: LinearOperator) -> Tensor:
        """(b, ...) -> (b, 1, n, n)."""
        return self.estimate(y, operator).x
