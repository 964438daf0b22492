"""Bootstrap intervals of means over images."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
DRAWS_AT_ONCE = 4_000_000


class Means(NamedTuple):
    """Mean of each column and the ends of its interval, each (m,)."""

    mean: Array
    low: Array
    high: Array


def mean_intervals(values: Array, *, resamples: int, level: float, seed: int) -> Means:
    """(n, m) -> mean over the n images and percentile bootstrap interval (Efron 1979) of each column, NaN left out.

    Images are drawn with replacement, all columns together, from a generator of its own: the same seed and n give the same
    draws. The interval is NaN for fewer than two images, and where a value is infinite.
    """
    known = ~np.isnan(values)
    counted = known.sum(axis=0)
    filled = np.where(known, values, 0.0)
    with np.errstate(invalid="ignore"):
        mean = filled.sum(axis=0) / counted
    usable = (counted > 1) & np.isfinite(filled).all(axis=0)
    low, high = np.full((2, values.shape[1]), np.nan)
    if usable.any():
        means = _resampled_means(filled[:, usable], known[:, usable], resamples, seed)
        low[usable], high[usable] = np.nanquantile(means, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return Means(mean, low, high)


def _resampled_means(filled: Array, known: NDArray[np.bool_], resamples: int, seed: int) -> Array:
    """(n, m) values and whether they are known -> (resamples, m), from how often each image is drawn; memory stays flat."""
    images = len(filled)
    generator = np.random.default_rng(seed)
    means = np.empty((resamples, filled.shape[1]))
    at_once = max(1, DRAWS_AT_ONCE // images)
    for first in range(0, resamples, at_once):
        rows = min(at_once, resamples - first)
        drawn = generator.integers(images, size=(rows, images)) + images * np.arange(rows)[:, None]
        times = np.bincount(drawn.ravel(), minlength=rows * images).reshape(rows, images).astype(np.float64)
        with np.errstate(invalid="ignore"):
            means[first : first + rows] = (times @ filled) / (times @ known.astype(np.float64))
    return means
