"""Measurement noise: before the mask (a detector that counts, then masks) or after it (an aperture in front of it).

The two are different experiments. Each particle's draw is keyed by seed and particle number, never by batch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor

from cryosense.errors import NoiseError
from cryosense.operators.base import LinearOperator
from cryosense.operators.generic import per_image
from cryosense.seeding import generator


class Noise(ABC):
    """How an image becomes a noisy measurement."""

    sigma: float  # deviation in the units the config states, 0 for none, NaN where it is not one number
    placement: str

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value}' for name, value in vars(self).items())})"

    @abstractmethod
    def measure(self, operator: LinearOperator, x: Tensor, numbers: Tensor) -> Tensor:
        """Return the noisy measurements y, (b, ...), of images (b, 1, n, n) with particle numbers (b,)."""

    @abstractmethod
    def row_std(self, operator: LinearOperator) -> Tensor:
        """Return the noise's standard deviation in row coordinates, (1 or b, ...); zero where nothing is measured."""


class NoNoise(Noise):
    """No noise: ``y = A x``."""

    sigma = 0.0
    placement = "none"

    def measure(self, operator: LinearOperator, x: Tensor, numbers: Tensor) -> Tensor:
        del numbers
        return operator(x)

    def row_std(self, operator: LinearOperator) -> Tensor:
        return operator.no_row_noise


class GaussianNoise(Noise):
    """White Gaussian noise.

    Args:
        sigma: standard deviation. In ``image`` units it is per pixel of x; after the mask it is then multiplied by the root
            mean square norm of the operator's rows, which is what the same pixels would have contributed to a measurement.
        units: ``image`` or ``measurement``.
        placement: ``before``: ``y = A (x + n)``; ``after``: ``y = A x + n``.
        seed: seed of the draws.

    Raises:
        NoiseError: a negative sigma, or units that do not go with the placement.
    """

    def __init__(self, sigma: float = 0.1, units: str = "image", placement: str = "before", seed: int = 0) -> None:
        if sigma < 0:
            raise NoiseError(f"sigma={sigma} is negative")
        if (units, placement) not in {("image", "before"), ("image", "after"), ("measurement", "after")}:
            raise NoiseError(
                f"units={units} with placement={placement}: units are image or measurement, placement is before "
                "or after, and noise before the mask is in image units"
            )
        self.sigma, self.units, self.placement, self.seed = sigma, units, placement, seed

    def _deviation(self, operator: LinearOperator) -> Tensor:
        """Return the standard deviation for each image's measurement, (1 or b,), from its own masks."""
        norms = operator.measurement_norms.flatten(1)
        if self.units == "measurement" or self.placement == "before":
            return norms.new_full((1,), self.sigma)
        mean_square = norms.square().sum(1) / (norms > 0).sum(1)
        return self.sigma * mean_square.sqrt()

    def _draw(self, like: Tensor, numbers: Tensor) -> Tensor:
        shape = like.shape[1:]
        draws = [generator(self.seed, int(i)).standard_normal(shape, dtype=np.float32) for i in numbers]
        return torch.from_numpy(np.stack(draws)).to(like)

    def measure(self, operator: LinearOperator, x: Tensor, numbers: Tensor) -> Tensor:
        if self.placement == "before":
            return operator(x + self.sigma * self._draw(x, numbers))
        y = operator(x)
        noisy = y + per_image(self._deviation(operator), y.ndim) * self._draw(y, numbers)
        return noisy * (operator.measurement_norms > 0)

    def row_std(self, operator: LinearOperator) -> Tensor:
        gain = operator.row_noise_gain
        return (
            self.sigma * (gain > 0) if self.placement == "before" else per_image(self._deviation(operator), gain.ndim) * gain
        )


class PoissonNoise(Noise):
    """Counting noise: pixel value x stands for a mean of ``dose`` (1 + x) electrons (negative rates count nothing).

    Args:
        dose_electrons_per_pixel: mean count of a pixel of value 0.
        placement: ``before``: every pixel is counted, then masked; ``after``: the masked sums are counted, which needs masks
            without negative entries (an aperture cannot subtract electrons).
        seed: seed of the draws.

    Raises:
        NoiseError: a dose that is not positive, or another placement.
    """

    sigma = float("nan")

    def __init__(self, dose_electrons_per_pixel: float = 20.0, placement: str = "before", seed: int = 0) -> None:
        if dose_electrons_per_pixel <= 0:
            raise NoiseError(f"dose_electrons_per_pixel={dose_electrons_per_pixel} is not positive")
        if placement not in {"before", "after"}:
            raise NoiseError(f"placement={placement}: give before or after")
        self.dose, self.placement, self.seed = dose_electrons_per_pixel, placement, seed

    def _count(self, rate: Tensor, numbers: Tensor) -> Tensor:
        rates = rate.cpu().numpy()
        counts = [generator(self.seed, int(i)).poisson(one) for one, i in zip(rates, numbers, strict=True)]
        return torch.from_numpy(np.stack(counts)).to(rate)

    def measure(self, operator: LinearOperator, x: Tensor, numbers: Tensor) -> Tensor:
        rate = self.dose * (1 + x).clamp_min(0)
        if self.placement == "before":
            return operator(self._count(rate, numbers) / self.dose - 1)
        if not operator.adds_only:
            raise NoiseError(
                "counting after the mask needs measurements that are sums of electrons: use binary, checkerboard or superres "
                "pixel masks, or placement=before"
            )
        return self._count(operator(rate), numbers) / self.dose - operator(torch.ones_like(x))

    def row_std(self, operator: LinearOperator) -> Tensor:
        gain = operator.row_noise_gain
        if self.placement == "before":
            return (gain > 0) / self.dose**0.5
        ones = torch.ones(operator.mask_sets, 1, *(operator.box_size,) * 2, dtype=gain.dtype, device=gain.device)
        return gain * per_image((operator(ones).flatten(1).mean(1) / self.dose).sqrt(), gain.ndim)
