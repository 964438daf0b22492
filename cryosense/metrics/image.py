"""Scores of one image against another, without reduction over images; images are in [-1, 1] throughout the project.

Sums over an image are in double precision.
"""

from __future__ import annotations

import torch
from torch import Tensor

from cryosense.cpu_tiles import in_portions
from cryosense.errors import ArgumentError

SSIM_WINDOW = 7
SSIM_K1, SSIM_K2 = 0.01, 0.03
LEVELS = 64


def require_images(x: Tensor, reference: Tensor) -> None:
    """Raise ArgumentError unless both are (b, 1, n, n) of one shape."""
    if x.shape != reference.shape:
        raise ArgumentError(f"scores compare images of one shape, got {tuple(x.shape)} and {tuple(reference.shape)}")
    if x.ndim != 4 or x.shape[1] != 1 or x.shape[-1] != x.shape[-2]:
        raise ArgumentError(f"scores need images of shape (b, 1, n, n), got {tuple(x.shape)}")


def mse(x: Tensor, reference: Tensor) -> Tensor:
    """Return the mean squared error, (b,), of images (b, 1, n, n) in [-1, 1]."""
    require_images(x, reference)
    return (x.double() - reference.double()).square().mean(dim=(1, 2, 3))


def mae(x: Tensor, reference: Tensor) -> Tensor:
    """Return the mean absolute error, (b,), of images (b, 1, n, n) in [-1, 1]."""
    require_images(x, reference)
    return (x.double() - reference.double()).abs().mean(dim=(1, 2, 3))


def psnr(x: Tensor, reference: Tensor) -> Tensor:
    """Return the peak signal-to-noise ratio in dB, (b,), of (x + 1) / 2 with data range 1; inf if equal."""
    return -10 * torch.log10(mse(x, reference) / 4)


def correlation(x: Tensor, reference: Tensor) -> Tensor:
    """Return the Pearson correlation over the pixels of images (b, 1, n, n), (b,); NaN where either image is constant."""
    require_images(x, reference)
    a, b = (image.double().flatten(1) for image in (x, reference))
    a, b = a - a.mean(dim=1, keepdim=True), b - b.mean(dim=1, keepdim=True)
    covariance, *variances = (torch.linalg.vecdot(one, other) for one, other in ((a, b), (a, a), (b, b)))
    return covariance / torch.sqrt(variances[0] * variances[1])


def ssim(x: Tensor, reference: Tensor) -> Tensor:
    """Return the mean structural similarity, (b,), of (x + 1) / 2 with data range 1.

    scikit-image's definition and defaults (Wang et al. 2004, with a uniform window): 7 x 7 window, unbiased covariances, only
    windows that lie inside the image.

    Raises:
        ArgumentError: images smaller than the window.
    """
    require_images(x, reference)
    if x.shape[-1] < SSIM_WINDOW:
        raise ArgumentError(f"ssim needs images of at least {SSIM_WINDOW} px, got {x.shape[-1]} px")
    pairs = torch.stack([x[:, 0], reference[:, 0]], dim=1)
    pairs = pairs if pairs.dtype == torch.float64 else pairs.float()
    return in_portions(_ssim_of_pairs, pairs, 4 * x[0].numel())[0]


def _ssim_of_pairs(pairs: Tensor) -> tuple[Tensor]:
    """Return the SSIM of pairs (b, 2, n, n), (b,) float64, computed in the precision of the images.

    Single precision is enough once the mean is subtracted from each image: what windows hold is then as small as its variance.
    The mean is rounded, so that none of its last digits depends on how many images are averaged together.
    """
    images = pairs / 2 + 0.5
    level = (images.mean(dim=(2, 3), keepdim=True, dtype=torch.float64) * LEVELS).round().to(images.dtype) / LEVELS
    images = images - level
    a, b = images.unbind(1)
    terms = torch.stack([a, b, a * a + b * b, a * b], dim=1)
    mean_a, mean_b, mean_squares, mean_product = (_window_sums(terms) / SSIM_WINDOW**2).unbind(1)
    unbiased = SSIM_WINDOW**2 / (SSIM_WINDOW**2 - 1)
    variances = unbiased * (mean_squares - mean_a.square() - mean_b.square())
    covariance = unbiased * (mean_product - mean_a * mean_b)
    mean_a, mean_b = mean_a + level[:, 0], mean_b + level[:, 1]
    luminance = (2 * mean_a * mean_b + SSIM_K1**2) / (mean_a.square() + mean_b.square() + SSIM_K1**2)
    structure = (2 * covariance + SSIM_K2**2) / (variances + SSIM_K2**2)
    return ((luminance * structure).mean(dim=(1, 2), dtype=torch.float64),)


def _window_sums(x: Tensor) -> Tensor:
    """Return the sum over each 7 x 7 window, (..., n - 6, n - 6), by four additions along each axis."""
    for axis in (-2, -1):
        n = x.shape[axis]
        two = x.narrow(axis, 0, n - 1) + x.narrow(axis, 1, n - 1)
        four = two.narrow(axis, 0, n - 3) + two.narrow(axis, 2, n - 3)
        x = four.narrow(axis, 0, n - 6) + two.narrow(axis, 4, n - 6) + x.narrow(axis, 6, n - 6)
    return x
