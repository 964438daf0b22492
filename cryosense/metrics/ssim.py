"""Mean structural similarity."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from cryosense.cpu_tiles import in_slices
from cryosense.errors import ArgumentError
from cryosense.metrics.pairs import ImagePairs, summed

WINDOW = 7
K1, K2 = 0.01, 0.03
# In sums over a window of differences from scikit-image's mean; images have data range 2, and their sums 4.
LUMINANCE, STRUCTURE = 8 * (K1 * WINDOW**2) ** 2, 8 * K2**2 * (WINDOW**2 - 1)


def ssim(x: Tensor, reference: Tensor) -> Tensor:
    """Return the mean structural similarity, (b,), of (x + 1) / 2 with data range 1.

    scikit-image's definition and defaults (Wang et al. 2004, with a uniform window): 7 x 7 window, unbiased covariances, only
    windows that lie inside the image.

    Raises:
        ArgumentError: images smaller than the window.
    """
    ImagePairs(x, reference)  # refuses other shapes
    return in_slices(lambda some: (ssim_of(ImagePairs(x[some], reference[some])),), x)[0]


def ssim_of(pairs: ImagePairs) -> Tensor:
    """Return the ``ssim`` of each pair, (b,) float64, computed in their precision.

    Single precision is enough once a level near its mean is subtracted from each image: what windows hold is then as small as
    its variance. Of the sum s and the difference d of two images, with S for a sum over a window of m pixels, let ``A = S_ss -
    S_s^2 / m``, ``B = S_dd - S_d^2 / m``, and E and F be the squares of S_s and S_d before anything was subtracted. With
    Wang's constants in A and E, scaled to these sums, the similarity is ``(A - B) (E - F) / ((A + B) (E + F))``: exactly 1 of
    an image with itself.
    """
    n = pairs.x.shape[-1]
    if n < WINDOW:
        raise ArgumentError(f"ssim needs images of at least {WINDOW} px, got {n} px")
    if pairs.arrays is None:
        return summed(_similarities(pairs)) / (n - WINDOW + 1) ** 2
    from cryosense.metrics.compiled_scores import add_similarities

    sums = torch.zeros(len(pairs.x), dtype=torch.float64)
    constants = np.float32(LUMINANCE), np.float32(STRUCTURE)
    add_similarities(*pairs.arrays, pairs.levels.numpy(), *constants, sums.numpy())
    return sums / (n - WINDOW + 1) ** 2


def _similarities(pairs: ImagePairs) -> Tensor:
    """Return the similarity of each window, (b, n - 6, n - 6), by the operations of ``add_similarities``, in their order."""
    level, other_level = pairs.levels[:, :, None, None]
    one, other = pairs.x[:, 0] - level, pairs.reference[:, 0] - other_level
    above, apart, added, difference = level + other_level, level - other_level, one + other, one - other
    sum_s, sum_d, a, b = (_window_sums(field) for field in (added, difference, added * added, difference * difference))
    a = a - sum_s * sum_s * (1 / WINDOW**2) + STRUCTURE
    b = b - sum_d * sum_d * (1 / WINDOW**2)
    sum_s, sum_d = sum_s + (above + 2) * WINDOW**2, sum_d + apart * WINDOW**2
    e, f = sum_s * sum_s + LUMINANCE, sum_d * sum_d
    return (a - b) * (e - f) / ((a + b) * (e + f))


def _window_sums(x: Tensor) -> Tensor:
    """Return the sums over the windows of images (b, n, n), (b, n - 6, n - 6)."""
    for axis in (1, 2):
        length = x.shape[axis] - WINDOW + 1
        two = x.narrow(axis, 0, length + 5) + x.narrow(axis, 1, length + 5)
        pairs = two.narrow(axis, 0, length) + two.narrow(axis, 2, length) + two.narrow(axis, 4, length)
        x = pairs + x.narrow(axis, 6, length)
    return x
