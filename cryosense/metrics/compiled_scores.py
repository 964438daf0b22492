"""Loops over the pixels of pairs of images and over the coefficients of their transforms, compiled by numba.

Imported by ``Scores`` once there are many images. What torch does in many passes over memory they do in one, row by row, in a
core's first cache; operations and their order are torch's, in ``pairs``, ``ssim`` and ``shells``, and so are the bits.
"""

from __future__ import annotations

import numpy as np

from cryosense.compiling import compiled

WINDOW = 7  # the additions below are those of seven rows and columns
KEPT = 8  # rows at a time: those of a window, and the next
COUNT, SHARE = np.float32(WINDOW**2), np.float32(1 / WINDOW**2)


@compiled
def fill_moments(x, reference, moments):  # type: ignore[no-untyped-def]
    """Fill ``moments`` (7, b) float64 with those of images (b, n, n) float32, in the order of ``Moments``."""
    n = x.shape[1]
    columns = np.empty((5, n))  # sums over rows: as many sums beside each other as there are columns are fast
    for image in range(x.shape[0]):
        columns[:] = 0.0
        for i in range(n):
            _add_values(x[image, i], reference[image, i], columns)
        mean, reference_mean = _mean(columns[0]), _mean(columns[1])
        moments[0, image], moments[1, image] = mean, reference_mean
        columns[:] = 0.0
        for i in range(n):
            _add_products(x[image, i], reference[image, i], mean, reference_mean, columns)
        for moment in range(5):
            moments[2 + moment, image] = _mean(columns[moment])


@compiled
def _add_values(one, other, columns):  # type: ignore[no-untyped-def]
    for j in range(one.shape[0]):
        columns[0, j] += np.float64(one[j])
        columns[1, j] += np.float64(other[j])


@compiled
def _add_products(one, other, mean, other_mean, columns):  # type: ignore[no-untyped-def]
    for j in range(one.shape[0]):
        value, other_value = np.float64(one[j]), np.float64(other[j])
        difference, a, b = value - other_value, value - mean, other_value - other_mean
        columns[0, j] += difference * difference
        columns[1, j] += abs(difference)
        columns[2, j] += a * a
        columns[3, j] += b * b
        columns[4, j] += a * b


@compiled
def _mean(column):  # type: ignore[no-untyped-def]
    """Return the mean of an image (n, n) whose sums over rows are (n,)."""
    total = 0.0
    for value in column:
        total += value
    return total / column.shape[0] ** 2


@compiled
def add_similarities(x, reference, levels, luminance, structure, sums):  # type: ignore[no-untyped-def]
    """Add the SSIM of all windows of images (b, n, n) float32 to ``sums`` (b,) float64; see ``ssim_of``.

    ``levels`` (2, b) are subtracted from images and from references; they and the two constants are float32.
    """
    n = x.shape[1]
    rows, pairs = np.empty((KEPT, 4, n), np.float32), np.empty((KEPT, 4, n), np.float32)
    windows, totals = np.empty((4, n), np.float32), np.empty(n)
    for image in range(x.shape[0]):
        above, apart = levels[0, image] + levels[1, image], levels[0, image] - levels[1, image]
        totals[:] = 0.0
        for i in range(n):
            row, pair = rows[i % KEPT], pairs[i % KEPT]
            _fields(x[image, i], reference[image, i], levels[0, image], levels[1, image], row)
            if i > 0:
                _add(rows[(i - 1) % KEPT], row, pair)
            if i >= WINDOW - 1:
                _windows(pairs[(i - 5) % KEPT], pairs[(i - 3) % KEPT], pairs[(i - 1) % KEPT], row, windows)
                _add_row(windows, (above + np.float32(2)) * COUNT, apart * COUNT, luminance, structure, totals)
        for j in range(n - WINDOW + 1):
            sums[image] += totals[j]


@compiled
def _fields(one, other, level, other_level, fields):  # type: ignore[no-untyped-def]
    """Fill (4, n) with the sum and the difference of two rows (n,), less their levels, and the squares of both."""
    for j in range(one.shape[0]):
        value, other_value = one[j] - level, other[j] - other_level
        added, difference = value + other_value, value - other_value
        fields[0, j], fields[1, j] = added, difference
        fields[2, j], fields[3, j] = added * added, difference * difference


@compiled
def _add(one, other, added):  # type: ignore[no-untyped-def]
    """Fill (4, n) with the sum of two such."""
    for field in range(4):
        for j in range(one.shape[1]):
            added[field, j] = one[field, j] + other[field, j]


@compiled
def _windows(first, second, third, last, windows):  # type: ignore[no-untyped-def]
    """Fill (4, n) with sums over the windows that begin at each pixel, of three pairs of rows and a row, (4, n) each."""
    n = last.shape[1]
    down, two = np.empty(n, np.float32), np.empty(n, np.float32)
    for field in range(4):
        for j in range(n):
            down[j] = first[field, j] + second[field, j] + third[field, j] + last[field, j]
        for j in range(n - 1):
            two[j] = down[j] + down[j + 1]
        for j in range(n - WINDOW + 1):
            windows[field, j] = two[j] + two[j + 2] + two[j + 4] + down[j + 6]


@compiled
def _add_row(windows, above, apart, luminance, structure, totals):  # type: ignore[no-untyped-def]
    """Add the similarity of each window of a row, whose sums are (4, n), to ``totals`` (n,) float64."""
    for j in range(totals.shape[0] - WINDOW + 1):
        added, difference = windows[0, j], windows[1, j]
        a = windows[2, j] - added * added * SHARE + structure
        b = windows[3, j] - difference * difference * SHARE
        e = (added + above) * (added + above) + luminance
        f = (difference + apart) * (difference + apart)
        totals[j] += (a - b) * (e - f) / ((a + b) * (e + f))


@compiled
def add_rings(one, other, rings, times, sums):  # type: ignore[no-untyped-def]
    """Add products of half planes (b, n, n // 2 + 1) over rings to ``sums`` (3, b, n // 2 + 2) float64; see ``ring_sums``."""
    for image in range(one.shape[0]):
        for row in range(one.shape[1]):
            for x in range(one.shape[2]):
                ring, a, b = rings[row, x], one[image, row, x], other[image, row, x]
                real, imaginary = np.float64(a.real), np.float64(a.imag)
                other_real, other_imaginary = np.float64(b.real), np.float64(b.imag)
                sums[0, image, ring] += times[x] * (real * real + imaginary * imaginary)
                sums[1, image, ring] += times[x] * (other_real * other_real + other_imaginary * other_imaginary)
                sums[2, image, ring] += times[x] * (real * other_real + imaginary * other_imaginary)
