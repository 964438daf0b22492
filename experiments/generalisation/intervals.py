"""What intervals from a few samples cover."""

from __future__ import annotations

import torch
from scipy.stats import t as student
from torch import Tensor

from cryosense import fourier

LEVELS = (0.5, 0.9)
MIDDLE = 0.5  # of the half box: where particles are


def in_students(samples: Tensor, clean: Tensor, level: float) -> Tensor:
    """-> where the truth lies in the central interval of this level that samples (s, b, 1, n, n) give if they are Gaussian.

    Student's, of another draw from what the samples are from: mean ± t (1 + 1 / s)^(1/2) deviation.
    """
    count = len(samples)
    half = float(student.ppf((1 + level) / 2, count - 1)) * (1 + 1 / count) ** 0.5 * samples.std(0)
    return (samples.mean(0) - clean).abs() < half


def in_ranks(samples: Tensor, clean: Tensor, level: float) -> Tensor:
    """-> where the truth lies in the interval between two of the ordered samples, which is right whatever they are from.

    Of s samples and the truth, all alike, each is as likely to be the k-th. So between the k-th of the samples and the k-th
    from above it lies with the probability 1 - 2 k / (s + 1). Equal ones, which do not happen by chance, are not within.
    """
    count = len(samples)
    below = (samples < clean).sum(0)
    outside = round((1 - level) / 2 * (count + 1))
    return (below >= outside) & (below <= count - outside)


def have_ranks(count: int, level: float) -> bool:
    """-> whether two of so many ordered samples bound an interval of this level."""
    outside = (1 - level) / 2 * (count + 1)
    return round(outside) >= 1 and abs(outside - round(outside)) < 1e-9


def share(inside: Tensor, *, middle: bool = False) -> Tensor:
    """-> of each image (b,), the share of its pixels, or of those where particles are."""
    if not middle:
        return inside.float().mean((1, 2, 3))
    n = inside.shape[-1]
    counted = (fourier.frequency_radius(n) < MIDDLE * n / 2).to(inside.device)
    return (inside & counted).sum((1, 2, 3)) / counted.sum()


def rms(images: Tensor) -> Tensor:
    """-> root of the mean square of each image, (b,)."""
    return images.square().mean((1, 2, 3)).sqrt()


def likeness(a: Tensor, b: Tensor) -> float:
    """-> the correlation of two sets of images over all of their pixels."""
    return float(torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1])
