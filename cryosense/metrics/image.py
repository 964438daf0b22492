"""Scores of one image against another, per image and without reduction; images are in [-1, 1], as everywhere in the project.

Everything is computed in double precision: window variances are differences of nearly equal numbers.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from cryosense.errors import ArgumentError

SSIM_WINDOW = 7
SSIM_K1, SSIM_K2 = 0.01, 0.03


def require_images(x: Tensor, reference: Tensor) -> None:
    """Raise ValueError unless both are (b, 1, n, n) of one shape."""
    if x.shape != reference.shape:
        raise ArgumentError(f"scores compare images of one shape, got {tuple(x.shape)} and {tuple(reference.shape)}")
    if x.ndim != 4 or x.shape[1] != 1 or x.shape[-1] != x.shape[-2]:
        raise ArgumentError(f"scores need images of shape (b, 1, n, n), got {tuple(x.shape)}")


def mse(x: Tensor, reference: Tensor) -> Tensor:
    """(b, 1, n, n), (b, 1, n, n) -> (b,): mean squared error of the images in [-1, 1]."""
    require_images(x, reference)
    return (x.double() - reference.double()).square().mean(dim=(1, 2, 3))


def mae(x: Tensor, reference: Tensor) -> Tensor:
    """(b, 1, n, n), (b, 1, n, n) -> (b,): mean absolute error of the images in [-1, 1]."""
    require_images(x, reference)
    return (x.double() - reference.double()).abs().mean(dim=(1, 2, 3))


def psnr(x: Tensor, reference: Tensor) -> Tensor:
    """(b, 1, n, n), (b, 1, n, n) -> (b,): peak signal-to-noise ratio of (x + 1) / 2 in dB, data range 1; inf if equal."""
    return -10 * torch.log10(mse(x, reference) / 4)


def correlation(x: Tensor, reference: Tensor) -> Tensor:
    """(b, 1, n, n), (b, 1, n, n) -> (b,): Pearson correlation over the pixels; NaN where either image is constant."""
    require_images(x, reference)
    a, b = (image.double() - image.double().mean(dim=(1, 2, 3), keepdim=True) for image in (x, reference))
    covariance = (a * b).mean(dim=(1, 2, 3))
    return covariance / torch.sqrt(a.square().mean(dim=(1, 2, 3)) * b.square().mean(dim=(1, 2, 3)))


def ssim(x: Tensor, reference: Tensor) -> Tensor:
    """(b, 1, n, n), (b, 1, n, n) -> (b,): mean structural similarity of (x + 1) / 2, data range 1.

    scikit-image's definition and defaults (Wang et al. 2004, with a uniform window): 7 x 7 window, unbiased covariances, only
    windows that lie inside the image. Raises ArgumentError for images smaller than the window.
    """
    require_images(x, reference)
    if x.shape[-1] < SSIM_WINDOW:
        raise ArgumentError(f"ssim needs images of at least {SSIM_WINDOW} px, got {x.shape[-1]} px")
    a, b = (x.double() + 1) / 2, (reference.double() + 1) / 2
    mean_a, mean_b, mean_squares, mean_product = map(_window_mean, (a, b, a.square() + b.square(), a * b))
    unbiased = SSIM_WINDOW**2 / (SSIM_WINDOW**2 - 1)
    variances = unbiased * (mean_squares - mean_a.square() - mean_b.square())
    covariance = unbiased * (mean_product - mean_a * mean_b)
    luminance = (2 * mean_a * mean_b + SSIM_K1**2) / (mean_a.square() + mean_b.square() + SSIM_K1**2)
    structure = (2 * covariance + SSIM_K2**2) / (variances + SSIM_K2**2)
    return (luminance * structure).mean(dim=(1, 2, 3))


def _window_mean(x: Tensor) -> Tensor:
    """(b, 1, n, n) -> (b, 1, n - 6, n - 6): mean over each window, one axis after the other (cheaper than 7 x 7 at once)."""
    return avg_pool2d(avg_pool2d(x, (SSIM_WINDOW, 1), stride=1), (1, SSIM_WINDOW), stride=1)
