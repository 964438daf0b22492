"""Affine maps of images towards [-1, 1], chosen by name, recorded and inverted: ``image = offset + gain * scaled``.

None depends on the batch that an image happens to be in.
"""

from __future__ import annotations

from typing import Any, Protocol, Self

import numpy as np
import torch
from torch import Tensor

from cryosense.errors import ParticleDataError
from cryosense.shown import ShowsParameters

from .stack import ParticleStack
from .survey import look, mean_and_deviation


class Scaling(Protocol):
    """What all scalings offer. ``fit``, which reads the stack if the map depends on it, or ``fit_to`` is called first."""

    def fit_to(self, mean: float, deviation: float) -> Self:
        """Take the mean and standard deviation of all pixels of a stack."""

    def fit(self, stack: ParticleStack, chunk_size: int) -> Self:
        """Read the stack if the map depends on it, ``chunk_size`` images at a time."""

    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]: ...
    def invert(self, scaled: Tensor, offset: Tensor, gain: Tensor) -> Tensor:
        """Return images (b, 1, n, n) in the units of the stack."""

    def describe(self) -> dict[str, Any]:
        """Return what to record."""


class _Affine(ShowsParameters):
    """What they have in common: a map without parameters from the stack, and the inverse."""

    def fit(self, stack: ParticleStack, chunk_size: int) -> Self:
        """Return this scaling unchanged: the map does not depend on the stack."""
        return self

    def fit_to(self, mean: float, deviation: float) -> Self:
        """Return this scaling unchanged: the map does not depend on the stack."""
        return self

    def invert(self, scaled: Tensor, offset: Tensor, gain: Tensor) -> Tensor:
        """Return ``offset + gain * scaled``, images (b, 1, n, n) in the units of the stack."""
        return offset.view(-1, 1, 1, 1) + gain.view(-1, 1, 1, 1) * scaled


class AsIs(_Affine):
    """Images that are in [-1, 1] already: offset 0, gain 1."""

    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the same images (b, 1, n, n), offset (b,) and gain (b,)."""
        return _apply(images, images.new_zeros(len(images)), images.new_ones(len(images)))

    def describe(self) -> dict[str, Any]:
        """Return what to record."""
        return {"scaling": "as_is"}


class UnitInterval(_Affine):
    """2 x - 1, for images in [0, 1]: offset and gain 1/2."""

    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return images (b, 1, n, n) in [-1, 1], offset (b,) and gain (b,), of images in [0, 1]."""
        half = images.new_full((len(images),), 0.5)
        return _apply(images, half, half)

    def describe(self) -> dict[str, Any]:
        """Return what to record."""
        return {"scaling": "unit_interval"}


class PerImage(_Affine):
    """Each image's own minimum to -1 and maximum to 1, as in the paper. The sensor does not know them: a slight cheat."""

    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return images (b, 1, n, n) in [-1, 1], offset (b,) and gain (b,).

        Raises:
            ParticleDataError: a constant image, or one with values that are not finite.
        """
        flat = images.flatten(1)
        # Halved first: the sum or difference of two large values may overflow.
        highest, lowest = flat.amax(1) / 2, flat.amin(1) / 2
        gain = highest - lowest
        unusable = torch.nonzero(~(gain > 0) | ~gain.isfinite()).flatten()
        if len(unusable):
            raise ParticleDataError(
                f"image {int(unusable[0])} of the batch is constant or not finite: it cannot be scaled; skip it"
            )
        return _apply(images, highest + lowest, gain)

    def describe(self) -> dict[str, Any]:
        """Return what to record."""
        return {"scaling": "per_image"}


class StackStatistics(_Affine):
    """Mean of the whole stack to 0, ``deviations`` standard deviations over all its pixels to 1.

    Values beyond ``deviations`` leave [-1, 1]; they are not clipped, so that the map can be inverted. Fit on the whole stack,
    not on a shard, so that all shards share one map.

    Raises:
        ParticleDataError: deviations that are not positive.
    """

    def __init__(self, deviations: float = 4.0) -> None:
        if not deviations > 0:
            raise ParticleDataError(f"deviations: {deviations} standard deviations cannot map to 1; give a positive number")
        self.deviations = deviations
        self.mean: float | None = None
        self.deviation: float | None = None

    def fit(self, stack: ParticleStack, chunk_size: int) -> Self:
        """Read the stack once. Sums are float64 per image and exactly rounded over images: chunks make no difference.

        Raises:
            ParticleDataError: an image with values that are not finite (by index), or a constant stack.
        """
        looks = [look(images) for _, images in stack.chunks(chunk_size)]
        means, spreads = (np.concatenate([getattr(each, name) for each in looks]) for name in ("means", "spreads"))
        unusable = np.flatnonzero(~np.isfinite(spreads))
        if len(unusable):
            raise ParticleDataError(f"{stack.path}: particle {unusable[0]} is not finite; leave it out")
        mean, deviation = mean_and_deviation(means, spreads)
        if deviation == 0:
            raise ParticleDataError(f"{stack.path}: all pixels of the stack are {mean}: it cannot be scaled")
        return self.fit_to(mean, deviation)

    def fit_to(self, mean: float, deviation: float) -> Self:
        """Take the mean and standard deviation of all pixels of a stack from a caller that knows them."""
        self.mean, self.deviation = mean, deviation
        return self

    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return images (b, 1, n, n), offset (b,) and gain (b,). Raises ParticleDataError before ``fit``."""
        if self.mean is None or self.deviation is None:
            raise ParticleDataError("scaling: the statistics of the stack are not known yet; call fit first")
        gain = self.deviations * self.deviation
        return _apply(images, images.new_full((len(images),), self.mean), images.new_full((len(images),), gain))

    def describe(self) -> dict[str, Any]:
        """Return what to record, in units of the stack."""
        return {"scaling": "stack", "deviations": self.deviations, "mean": self.mean, "deviation": self.deviation}


def scaled_like(images: Tensor, offset: Tensor, gain: Tensor) -> Tensor:
    """Return images (b, 1, n, n) by the map with which other images, such as the noisy ones, were scaled."""
    return (images - offset.view(-1, 1, 1, 1)) / gain.view(-1, 1, 1, 1)


def _apply(images: Tensor, offset: Tensor, gain: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return scaled_like(images, offset, gain), offset, gain
