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
    """Return the mean squared error, (b,) float64, of images (b, 1, n, n) in [-1, 1]."""
    return _difference(x, reference).square_().mean(dim=(1, 2, 3), dtype=torch.float64)


def mae(x: Tensor, reference: Tensor) -> Tensor:
    """Return the mean absolute error, (b,) float64, of images (b, 1, n, n) in [-1, 1]."""
    return _difference(x, reference).abs_().mean(dim=(1, 2, 3), dtype=torch.float64)


def _difference(x: Tensor, reference: Tensor) -> Tensor:
    """Return the difference in double precision, a new tensor."""
    require_images(x, reference)
    return x.double() - reference


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
    n, count = pairs.shape[-1], SSIM_WINDOW**2
    images = pairs / 2 + 0.5
    level = (images.mean(dim=(2, 3), keepdim=True, dtype=torch.float64) * LEVELS).round().to(images.dtype) / LEVELS
    level, images = level.flatten(2), (images - level).flatten(2)
    a, b = images.unbind(1)
    terms = torch.stack([a, b, (a * a).addcmul_(b, b), a * b], dim=1)
    mean_a, mean_b, mean_squares, mean_product = (_window_sums(terms, n) / count).unbind(1)
    unbiased = count / (count - 1)
    covariance = mean_product.sub_(mean_a * mean_b).mul_(unbiased)
    variances = mean_squares.sub_((mean_a * mean_a).addcmul_(mean_b, mean_b)).mul_(unbiased)
    structure = covariance.mul_(2).add_(SSIM_K2**2).div_(variances.add_(SSIM_K2**2))
    mean_a, mean_b = mean_a + level[:, 0], mean_b + level[:, 1]
    luminance = (2 * mean_a).mul_(mean_b).add_(SSIM_K1**2)
    luminance.div_((mean_a * mean_a).addcmul_(mean_b, mean_b).add_(SSIM_K1**2))
    rows = luminance.mul_(structure).unfold(1, n - SSIM_WINDOW + 1, n)  # without the windows that go on in the next row
    return (rows.mean(dim=(1, 2), dtype=torch.float64),)


def _window_sums(x: Tensor, n: int) -> Tensor:
    """Return the sums over 7 x 7 windows of flat images (..., n^2), by four additions of whole ranges along each axis.

    They are as flat, by the window's first pixel; windows that reach over the end of a row are sums over parts of two.
    """
    for step in (n, 1):
        length = x.shape[-1] - (SSIM_WINDOW - 1) * step
        two = x[..., :-step] + x[..., step:]
        sums = two[..., :length] + two[..., 2 * step : 2 * step + length]
        x = sums.add_(two[..., 4 * step : 4 * step + length]).add_(x[..., 6 * step :])
    return x
