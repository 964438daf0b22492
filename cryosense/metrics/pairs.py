"""Images beside what they are compared with, and what several scores need of both."""

from __future__ import annotations

import sys
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from cryosense.errors import ArgumentError

LEVELS = 32
LOOPS = "cryosense.metrics.compiled_scores"  # what torch does before they are loaded has the same bits


def require_images(x: Tensor, reference: Tensor) -> None:
    """Raise ArgumentError unless both are (b, 1, n, n) of one shape."""
    if x.shape != reference.shape:
        raise ArgumentError(f"scores compare images of one shape, got {tuple(x.shape)} and {tuple(reference.shape)}")
    if x.ndim != 4 or x.shape[1] != 1 or x.shape[-1] != x.shape[-2]:
        raise ArgumentError(f"scores need images of shape (b, 1, n, n), got {tuple(x.shape)}")


class Moments(NamedTuple):
    """Of each pair, (b,) float64: means, mean squared and absolute differences, variances, and the covariance."""

    mean: Tensor
    reference_mean: Tensor
    mse: Tensor
    mae: Tensor
    variance: Tensor
    reference_variance: Tensor
    covariance: Tensor


class ImagePairs:
    """Images (b, 1, n, n) and their references; what scores need of them is computed when first asked for, and kept.

    Raises:
        ArgumentError: images of different shapes, or of another one.
    """

    def __init__(self, x: Tensor, reference: Tensor) -> None:
        require_images(x, reference)
        self.x, self.reference = x, reference

    def __repr__(self) -> str:
        return f"ImagePairs({len(self.x)} of {self.x.shape[-1]} px)"

    @property
    def precision(self) -> torch.dtype:
        """Double where either image is, else single."""
        return torch.float64 if torch.float64 in {self.x.dtype, self.reference.dtype} else torch.float32

    @cached_property
    def arrays(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Both for compiled loops, (b, n, n) float32 on the CPU; None where torch has to do the work.

        That is before loops are loaded, on another device, in another precision, and where scores are to be differentiated.
        """
        both = self.x, self.reference
        unfit = (image.device.type != "cpu" or image.dtype != torch.float32 or image.requires_grad for image in both)
        if LOOPS not in sys.modules or any(unfit):
            return None
        return self.x[:, 0].contiguous().numpy(), self.reference[:, 0].contiguous().numpy()

    @cached_property
    def moments(self) -> Moments:
        """The moments of each pair."""
        if self.arrays is None:
            return _moments(self.x, self.reference)
        from cryosense.metrics.compiled_scores import fill_moments

        moments = torch.empty(len(Moments._fields), len(self.x), dtype=torch.float64)
        fill_moments(*self.arrays, moments.numpy())
        return Moments(*moments)

    @cached_property
    def levels(self) -> Tensor:
        """What is subtracted from images to keep the digits of single precision, near their means, (2, b) in ``precision``.

        Means are rounded, so that a level does not depend on the order in which an image is summed.
        """
        means = torch.stack([self.moments.mean, self.moments.reference_mean])
        return (means * LEVELS).round().to(self.precision) / LEVELS


def _moments(x: Tensor, reference: Tensor) -> Moments:
    one, other = x[:, 0].double(), reference[:, 0].double()
    mean, reference_mean = summed(one) / one[0].numel(), summed(other) / one[0].numel()
    difference, a, b = one - other, one - mean[:, None, None], other - reference_mean[:, None, None]
    products = difference * difference, difference.abs(), a * a, b * b, a * b
    return Moments(mean, reference_mean, *(summed(each) / one[0].numel() for each in products))


def summed(x: Tensor) -> Tensor:
    """Return the sums of images (b, n, m), (b,) float64: row by row, then over columns, as compiled loops add them up."""
    return x.double().cumsum(1)[:, -1].cumsum(1)[:, -1]
