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
    return x.to(torch.float64, copy=True).sub_(reference)


def psnr(x: Tensor, reference: Tensor) -> Tensor:
    """Return the peak signal-to-noise ratio in dB, (b,), of (x + 1) / 2 with data range 1; inf if equal."""
    return psnr_of(mse(x, reference))


def psnr_of(error: Tensor) -> Tensor:
    """Return the ``psnr`` of images with these mean squared errors (b,)."""
    return -10 * torch.log10(error / 4)


def correlation(x: Tensor, reference: Tensor) -> Tensor:
    """Return the Pearson correlation over the pixels of images (b, 1, n, n), (b,); NaN where either image is constant."""
    require_images(x, reference)
    a, b = (image.to(torch.float64, copy=True).flatten(1) for image in (x, reference))
    a, b = (flat.sub_(flat.mean(dim=1, keepdim=True)) for flat in (a, b))
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
    precision = torch.float64 if torch.float64 in {x.dtype, reference.dtype} else torch.float32
    one, other = (image[:, 0].to(precision) for image in (x, reference))

    def of_some(numbers: Tensor) -> tuple[Tensor]:
        some = slice(int(numbers[0]), int(numbers[-1]) + 1)
        return (_ssim_of_some(one[some], other[some]),)

    return in_portions(of_some, torch.arange(len(x), device=x.device), x[0].numel())[0]


def _ssim_of_some(x: Tensor, reference: Tensor) -> Tensor:
    """Return the SSIM of images (b, n, n), (b,) float64, computed in their precision.

    Single precision is enough once the mean is subtracted from each image: what windows hold is then as small as its variance.
    The mean is rounded, so that none of its last digits depends on how many images are averaged together.

    Each array is gone through as seldom as possible, which is what takes the time: with S for a sum over a window of m pixels,
    (m - 1) covariance = S_ab - S_a S_b / m, and constants are scaled instead of images, which have data range 2.
    """
    n, count = x.shape[-1], SSIM_WINDOW**2
    terms = x.new_empty(len(x), 4, n * n)
    levels = []
    for image, centred in zip((x, reference), (terms[:, 0], terms[:, 1]), strict=True):
        level = (image.mean(dim=(1, 2), dtype=torch.float64) * (LEVELS / 2)).round().to(x.dtype)[:, None] / (LEVELS / 2)
        torch.sub(image.flatten(1), level, out=centred)
        levels.append((level + 1) * count)
    a, b = terms[:, 0], terms[:, 1]
    torch.mul(a, a, out=terms[:, 2]).addcmul_(b, b)
    torch.mul(a, b, out=terms[:, 3])
    sum_a, sum_b, sum_squares, sum_product = _window_sums(terms, n).unbind(1)
    structure = (2 * SSIM_K2) ** 2 * (count - 1)
    variances = sum_squares.addcmul_(sum_a, sum_a, value=-1 / count).addcmul_(sum_b, sum_b, value=-1 / count).add_(structure)
    covariance = sum_product.addcmul_(sum_a, sum_b, value=-1 / count).add_(structure / 2)
    sum_a, sum_b = sum_a.add_(levels[0]), sum_b.add_(levels[1])
    luminance = (2 * SSIM_K1 * count) ** 2
    product = (sum_a * sum_b).add_(luminance / 2).mul_(covariance)
    powers = sum_a.square_().addcmul_(sum_b, sum_b).add_(luminance).mul_(variances)
    rows = product.div_(powers).unfold(1, n - SSIM_WINDOW + 1, n)  # without the windows that go on in the next row
    return 4 * rows.mean(dim=(1, 2), dtype=torch.float64)


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
