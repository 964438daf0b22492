"""Scores of one image against another, without reduction over images; images are in [-1, 1] throughout the project.

Sums over an image are in double precision.
"""

from __future__ import annotations

import torch
from torch import Tensor

from cryosense.metrics.pairs import ImagePairs


def mse(x: Tensor, reference: Tensor) -> Tensor:
    """Return the mean squared error, (b,) float64, of images (b, 1, n, n) in [-1, 1]."""
    return mse_of(ImagePairs(x, reference))


def mse_of(pairs: ImagePairs) -> Tensor:
    """Return the ``mse`` of each pair, (b,)."""
    return pairs.moments.mse


def mae(x: Tensor, reference: Tensor) -> Tensor:
    """Return the mean absolute error, (b,) float64, of images (b, 1, n, n) in [-1, 1]."""
    return mae_of(ImagePairs(x, reference))


def mae_of(pairs: ImagePairs) -> Tensor:
    """Return the ``mae`` of each pair, (b,)."""
    return pairs.moments.mae


def psnr(x: Tensor, reference: Tensor) -> Tensor:
    """Return the peak signal-to-noise ratio in dB, (b,), of (x + 1) / 2 with data range 1; inf if equal."""
    return psnr_of(ImagePairs(x, reference))


def psnr_of(pairs: ImagePairs) -> Tensor:
    """Return the ``psnr`` of each pair, (b,)."""
    return -10 * torch.log10(pairs.moments.mse / 4)


def correlation(x: Tensor, reference: Tensor) -> Tensor:
    """Return the Pearson correlation over the pixels of images (b, 1, n, n), (b,); NaN where either image is constant."""
    return correlation_of(ImagePairs(x, reference))


def correlation_of(pairs: ImagePairs) -> Tensor:
    """Return the ``correlation`` of each pair, (b,)."""
    moments = pairs.moments
    return moments.covariance / torch.sqrt(moments.variance * moments.reference_variance)
