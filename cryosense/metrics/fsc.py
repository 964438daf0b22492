"""Fourier ring and shell correlation, and the resolution at which a curve falls below a threshold.

Shells are one Fourier pixel wide, from 0 (the mean) to Nyquist; a coefficient belongs to the shell nearest to its radius.
"""

from __future__ import annotations

import torch
from torch import Tensor

from cryosense.errors import ArgumentError
from cryosense.fourier import half_spectrum
from cryosense.metrics.pairs import ImagePairs
from cryosense.metrics.shells import compiled_ring_sums, correlation, normalised, ring_sums

ROUNDINGS = 8.0  # spacings of floats that a pixel of a reconstruction may be off by


def frc(x: Tensor, reference: Tensor) -> Tensor:
    """Return the Fourier ring correlation of each pair of images (b, 1, n, n), as (b, n // 2 + 1).

    ``sum Re(F1 conj F2) / sqrt(sum |F1|^2 sum |F2|^2)`` over each ring; 0 on rings that are empty in either image: those
    that hold no more than the rounding of its pixels, whose correlation would be chance.

    Transforms have the precision of the images, sums over rings are in double. In single precision a ring is off by at most
    some 1e-6 times the root of the mean power of all coefficients over that of its own: a hundredth where it is nearly empty.
    """
    return frc_of(ImagePairs(x, reference))


def frc_of(pairs: ImagePairs) -> Tensor:
    """Return the ``frc`` of each pair, (b, n // 2 + 1)."""
    n, levels = pairs.x.shape[-1], pairs.levels
    # All images together, of which there are at least two: a single transform is planned, and rounded, differently.
    images = torch.stack([each[:, 0].to(pairs.precision) for each in (pairs.x, pairs.reference)])
    spectra = half_spectrum(images.sub_(levels[:, :, None, None]), 2)
    spectra[..., 0, 0] += levels * n
    sums = ring_sums(spectra) if pairs.arrays is None else compiled_ring_sums(spectra)
    return normalised(*sums, ndim=2, rounding=_rounding(pairs.x, pairs.reference))


def frc_area(x: Tensor, reference: Tensor) -> Tensor:
    """Return the mean Fourier ring correlation over rings 1 to Nyquist, (b,), of images (b, 1, n, n)."""
    return frc_area_of(ImagePairs(x, reference))


def frc_area_of(pairs: ImagePairs) -> Tensor:
    """Return the ``frc_area`` of each pair, (b,)."""
    return frc_of(pairs)[:, 1:].mean(dim=-1)


def fsc(volume1: Tensor, volume2: Tensor) -> Tensor:
    """Return the Fourier shell correlation, (n // 2 + 1,), of two maps (n, n, n) (Harauz and van Heel 1986).

    The formula of ``frc`` over shells; 0 on shells that are empty in either map.

    Raises:
        ArgumentError: maps that are not cubes of one size.
    """
    require_maps(volume1, volume2)
    # In double precision: outer shells of maps hold far less power than inner ones.
    spectra = (half_spectrum(volume.double(), 3) for volume in (volume1, volume2))
    return correlation(*spectra, ndim=3, rounding=_rounding(volume1, volume2))


def require_maps(volume1: Tensor, volume2: Tensor) -> None:
    """Raise ArgumentError unless both are (n, n, n) of one size."""
    if volume1.shape != volume2.shape or volume1.ndim != 3 or len(set(volume1.shape)) != 1:
        raise ArgumentError(f"fsc needs two maps of shape (n, n, n), got {tuple(volume1.shape)} and {tuple(volume2.shape)}")


def _rounding(*images: Tensor) -> float:
    """Return what pixels may be off by, relative to their root mean square."""
    return ROUNDINGS * max((torch.finfo(each.dtype).eps for each in images if each.is_floating_point()), default=0.0)


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
