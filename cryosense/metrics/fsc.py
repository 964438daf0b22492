"""Fourier ring and shell correlation, and the resolution at which a curve falls below a threshold.

Shells are one Fourier pixel wide, from 0 (the mean) to Nyquist; a coefficient belongs to the shell nearest to its radius.
"""

from __future__ import annotations

import torch
from torch import Tensor

from cryosense.errors import ArgumentError
from cryosense.fourier import half_spectrum
from cryosense.metrics.image import require_images
from cryosense.metrics.shells import correlation

ROUNDINGS = 8.0  # spacings of floats that a pixel of a reconstruction may be off by


def frc(x: Tensor, reference: Tensor) -> Tensor:
    """Return the Fourier ring correlation of each pair of images (b, 1, n, n), as (b, n // 2 + 1).

    ``sum Re(F1 conj F2) / sqrt(sum |F1|^2 sum |F2|^2)`` over each ring; 0 on rings that are empty in either image: those
    that hold no more than the rounding of its pixels, whose correlation would be chance.
    """
    require_images(x, reference)
    return _shell_correlation(x[:, 0], reference[:, 0], ndim=2)


def frc_area(x: Tensor, reference: Tensor) -> Tensor:
    """Return the mean Fourier ring correlation over rings 1 to Nyquist, (b,), of images (b, 1, n, n)."""
    return frc(x, reference)[:, 1:].mean(dim=-1)


def fsc(volume1: Tensor, volume2: Tensor) -> Tensor:
    """Return the Fourier shell correlation, (n // 2 + 1,), of two maps (n, n, n) (Harauz and van Heel 1986).

    The formula of ``frc`` over shells; 0 on shells that are empty in either map.

    Raises:
        ArgumentError: maps that are not cubes of one size.
    """
    require_maps(volume1, volume2)
    return _shell_correlation(volume1, volume2, ndim=3)


def require_maps(volume1: Tensor, volume2: Tensor) -> None:
    """Raise ArgumentError unless both are (n, n, n) of one size."""
    if volume1.shape != volume2.shape or volume1.ndim != 3 or len(set(volume1.shape)) != 1:
        raise ArgumentError(f"fsc needs two maps of shape (n, n, n), got {tuple(volume1.shape)} and {tuple(volume2.shape)}")


def _shell_correlation(x: Tensor, reference: Tensor, ndim: int) -> Tensor:
    """Return the correlation (..., n // 2 + 1), in double precision: outer shells hold far less power than inner ones."""
    spectra = (half_spectrum(each.double(), ndim) for each in (x, reference))
    spacings = [torch.finfo(each.dtype).eps for each in (x, reference) if each.is_floating_point()]
    return correlation(*spectra, ndim=ndim, rounding=ROUNDINGS * max(spacings, default=0.0))


def resolution_angstrom(curve: Tensor, pixel_size_angstrom: float, box_size: int, threshold: float) -> float:
    """Return the resolution in Angstrom where a curve first falls below the threshold, linear between shells.

    The curve has (box_size // 2 + 1,) shells; shell 0, the mean, says nothing about resolution and is left out. A curve that
    starts below the threshold resolves nothing: inf. A curve that never falls below it is limited by the sampling, not by the
    data: two pixels (Nyquist), so a result that equals Nyquist reads "at least as good as".

    Raises:
        ArgumentError: a curve that holds NaN or does not belong to the box.
    """
    if curve.shape != (box_size // 2 + 1,):
        raise ArgumentError(
            f"a box of {box_size} px has a curve of {box_size // 2 + 1} shells, got shape {tuple(curve.shape)}"
        )
    if not bool(torch.isfinite(curve).all()):
        raise ArgumentError("the correlation curve holds values that are not finite")
    values = curve.tolist()
    below = next((k for k in range(1, len(values)) if values[k] < threshold), None)
    if below is None:
        return 2 * pixel_size_angstrom
    if below == 1:
        return float("inf")
    crossing = below - 1 + (values[below - 1] - threshold) / (values[below - 1] - values[below])
    return box_size * pixel_size_angstrom / crossing
