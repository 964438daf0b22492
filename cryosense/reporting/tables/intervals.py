"""Bootstrap intervals of means over images."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
DRAWS_AT_ONCE = 4_000_000
COLUMNS_AT_ONCE = 4_000


class Means(NamedTuple):
    """Mean of each column and the ends of its interval, each (m,)."""

    mean: Array
    low: Array
    high: Array


def mean_intervals(values: Array, *, resamples: int, level: float, seed: int) -> Means:
    """Return mean and percentile bootstrap interval (Efron 1979) of each column of (n, m) over the n images, without NaN.

    Images are drawn with replacement, all columns together, from a separate generator: the same seed and n give the same
    draws. The interval is NaN for fewer than two images, and where a value is infinite.
    """
    return grouped_mean_intervals([values], resamples=resamples, level=level, seed=seed)[0]


def grouped_mean_intervals(groups: Sequence[Array], *, resamples: int, level: float, seed: int) -> list[Means]:
    """Return ``mean_intervals`` of each group (n, m); groups with as many images share their draws and the work on them."""
    by_images: dict[int, list[int]] = defaultdict(list)
    for number, values in enumerate(groups):
        by_images[len(values)].append(number)
    found: dict[int, Means] = {}
    for numbers in by_images.values():
        at_once = max(1, COLUMNS_AT_ONCE // max(1, groups[numbers[0]].shape[1]))
        for first in range(0, len(numbers), at_once):
            few = numbers[first : first + at_once]
            means = _intervals(np.concatenate([groups[number] for number in few], axis=1), resamples, level, seed)
            ends = np.cumsum([groups[number].shape[1] for number in few])[:-1]
            found |= dict(zip(few, map(Means, *(np.split(each, ends) for each in means)), strict=True))
    return [found[number] for number in range(len(groups))]


def _intervals(values: Array, resamples: int, level: float, seed: int) -> Means:
    known = ~np.isnan(values)
    counted = known.sum(axis=0)
    filled = np.where(known, values, 0.0)
    with np.errstate(invalid="ignore"):
        mean = filled.sum(axis=0) / counted
    usable = (counted > 1) & np.isfinite(filled).all(axis=0)
    whole = usable & (counted == len(values))
    low, high = np.full((2, values.shape[1]), np.nan)
    ends = [(1 - level) / 2, (1 + level) / 2]
    for columns, quantile in ((whole, np.quantile), (usable & ~whole, np.nanquantile)):
        if columns.any():
            means = _resampled_means(filled[:, columns], known[:, columns], resamples, seed)
            low[columns], high[columns] = quantile(means, ends, axis=0)
    return Means(mean, low, high)


def _resampled_means(filled: Array, known: NDArray[np.bool_], resamples: int, seed: int) -> Array:
    """Return means (resamples, m), from how often each image is drawn, in bounded memory."""
    images, complete = len(filled), known.all()
    generator = np.random.default_rng(seed)
    means = np.empty((resamples, filled.shape[1]))
    at_once = max(1, DRAWS_AT_ONCE // images)
    for first in range(0, resamples, at_once):
        rows = min(at_once, resamples - first)
        drawn = generator.integers(images, size=(rows, images)) + images * np.arange(rows)[:, None]
        times = np.bincount(drawn.ravel(), minlength=rows * images).reshape(rows, images).astype(np.float64)
        with np.errstate(invalid="ignore"):
            means[first : first + rows] = times @ filled / (images if complete else times @ known.astype(np.float64))
    return means
