"""Reconstructors: from a measurement to an image, ``R(m) -> Estimate``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, NamedTuple

from torch import Tensor, nn

from cryosense.float32 import float32_kept
from cryosense.measurement import Measurement
from cryosense.operators import LinearOperator
from cryosense.shown import ShowsInModule


class Estimate(NamedTuple):
    """Reconstructed images and what they took; entries that a method does not have are None."""

    x: Tensor  # (b, 1, n, n)
    iterations: Tensor | None = None  # (b,)
    gap: Tensor | None = None  # (b,) relative gap at which each image stopped
    network_evaluations: int | None = None
    deviation: Tensor | None = None  # (b, 1, n, n) per pixel, where x is the mean of samples
    samples: Tensor | None = None  # (s, b, 1, n, n)


class Reconstructor(ShowsInModule, nn.Module, ABC):
    """A reconstruction method for any measurement. Whatever it learns in advance, it learns in ``fit``.

    ``R(m)`` reconstructs a ``Measurement``; ``R(y, A)`` is short for ``R(Measurement(y, A))``, without noise.
    """

    name: str
    prior: str | None = None
    weight: float | None = None
    sampler_name: str | None = None
    samples: int | None = None  # drawn per particle
    learns = False  # whether it needs ``fit``
    knows_ctf = False  # whether it uses the CTF of a measurement; of a class, whether any of its methods does

    @classmethod
    def knows_ctf_with(cls, settings: Mapping[str, Any]) -> bool:
        """Return ``knows_ctf`` of what these arguments of the constructor make, without opening a model's weights.

        ``settings``: as a configuration has them: mappings for objects, but the class or function that makes a denoiser.
        """
        del settings
        return cls.knows_ctf

    def __call__(self, measurement: Measurement | Tensor, operator: LinearOperator | None = None) -> Estimate:
        """Return the images (b, 1, n, n) and what they took."""
        if not isinstance(measurement, Measurement):
            if operator is None:
                raise TypeError("R(y) without an operator: give R(y, A) or R(Measurement(...))")
            measurement = Measurement(measurement, operator)
        with float32_kept():
            return super().__call__(measurement)

    @abstractmethod
    def forward(self, measurement: Measurement) -> Estimate:
        """Return the images (b, 1, n, n) and what they took, each image from its own part of the measurement alone."""

    def fit(self, images: Tensor, targets: Tensor, ctf: Tensor | None = None) -> None:
        """Learn from images (t, 1, n, n) like those to come and the targets (t, 1, n, n) they should be reconstructed to.

        ``ctf`` (t, 1, n, n // 2 + 1), see ``Measurement``, is given to a method that knows it.
        """

    def networks(self) -> list[nn.Module]:
        """Return the networks that it runs, those whose operations are worth fusing (``fuse``)."""
        return []

    def prepare(self, operator: LinearOperator) -> None:
        """Make what depends only on the operator's box. Raises ArgumentError if the method cannot be used on it."""
