"""Soft masks around a map: a sphere, or the molecule as the map itself shows it."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from cryosense.errors import ArgumentError
from cryosense.fourier import frequency_radius, from_half_spectrum, half_spectrum

HISTOGRAM_BINS = 256
LARGEST_INT16 = 2**15 - 1


def sphere_mask(volume: Tensor, pixel_size_angstrom: float, *, radius_angstrom: float, edge_pixels: float = 6.0) -> Tensor:
    """Return a mask (n, n, n) float64: 1 inside a sphere, 0 from ``edge_pixels`` outside it, a raised cosine between.

    Raises:
        ArgumentError: a radius that is not positive, or an edge that leaves the box.
    """
    n, radius_pixels = volume.shape[-1], radius_angstrom / pixel_size_angstrom
    if radius_pixels <= 0 or edge_pixels < 0 or radius_pixels + edge_pixels > n / 2:
        raise ArgumentError(
            f"a sphere of radius_angstrom={radius_angstrom:g} ({radius_pixels:.1f} px) with edge_pixels={edge_pixels:g} does "
            f"not fit into a box of {n} px"
        )
    return _raised_cosine(frequency_radius(n, 3, device=volume.device) - radius_pixels, edge_pixels)


def automatic_mask(
    volume: Tensor,
    pixel_size_angstrom: float,
    *,
    lowpass_angstrom: float = 15.0,
    extend_pixels: float = 3.0,
    edge_pixels: float = 6.0,
) -> Tensor:
    """Return a mask (n, n, n) float64 of the molecule, extended by ``extend_pixels``, with a raised-cosine edge outside.

    The molecule is what lies above Otsu's threshold (1979), inside the largest sphere of the box, after a Gaussian low-pass
    filter that falls to 1/e at ``lowpass_angstrom``. The threshold needs no contour level.

    Raises:
        ArgumentError: the map is flat, or one of the lengths is negative.
    """
    if min(lowpass_angstrom, extend_pixels, edge_pixels) < 0:
        raise ArgumentError("lengths of an automatic mask must not be negative")
    n = volume.shape[-1]
    smooth = _low_pass(volume, lowpass_angstrom / pixel_size_angstrom)
    squares = (torch.arange(n, device=volume.device, dtype=torch.int32) - n // 2) ** 2
    inside = 4 * (squares[:, None, None] + squares[:, None] + squares) < n**2
    molecule = (smooth > _otsu_threshold(smooth[inside])) & inside
    mask = torch.zeros(volume.shape, dtype=torch.float64, device=volume.device)
    width = extend_pixels + edge_pixels
    near = _surroundings(molecule, math.ceil(width) + 1)
    squares = _squared_distances(molecule[near], math.ceil(width))
    # A cosine for each whole number that occurs, not for each voxel.
    possible = torch.arange(int(squares.max()) + 1, device=volume.device).double().sqrt_()
    mask[near] = _raised_cosine(possible - extend_pixels, edge_pixels).take(squares.long())
    return mask


def distances(inside: Tensor, reach: int) -> Tensor:
    """Return each voxel's distance to the nearest one inside, (z, y, x) float64; a larger one where it is beyond ``reach``.

    One axis after the other, from no farther away than asked for (Felzenszwalb and Huttenlocher 2012, without the envelopes,
    which pay only over long distances).
    """
    return _squared_distances(inside, reach).double().sqrt_()


def _squared_distances(inside: Tensor, reach: int) -> Tensor:
    """Return the squares of ``distances``, whole numbers."""
    beyond = 4 * reach**2 + 1
    squares = torch.where(inside, 0, beyond).to(torch.int16 if beyond + reach**2 < LARGEST_INT16 else torch.int32)
    for axis in range(3):
        before, n = squares.clone(), squares.shape[axis]
        for step in range(1, min(reach, n - 1) + 1):
            for to, source in ((step, 0), (0, step)):
                into = squares.narrow(axis, to, n - step)
                torch.minimum(into, before.narrow(axis, source, n - step) + step**2, out=into)
    return squares


def _low_pass(volume: Tensor, width_pixels: float) -> Tensor:
    """Return the map times a Gaussian in Fourier space, 1/e at n / ``width_pixels``, in the same precision."""
    n = volume.shape[-1]
    spectrum = half_spectrum(volume, 3)
    axis = (torch.arange(n, device=volume.device) + n // 2) % n - n // 2
    gain = torch.exp(-((axis * width_pixels / n) ** 2)).to(volume.dtype)
    spectrum *= gain[:, None] * gain[: n // 2 + 1]
    spectrum *= gain[:, None, None]
    return from_half_spectrum(spectrum, n, 3)


def _surroundings(molecule: Tensor, margin: int) -> tuple[slice, ...]:
    """Return the box around where a mask (n, n, n) is true, with a margin, clipped to the whole."""
    sides = []
    for axis in range(3):
        others = [other for other in range(3) if other != axis]
        where = molecule.any(dim=others[1]).any(dim=others[0]).nonzero()[:, 0]
        sides.append(slice(max(int(where[0]) - margin, 0), int(where[-1]) + margin + 1))
    return tuple(sides)


def _raised_cosine(distance: Tensor, edge: float) -> Tensor:
    """Return 1 where the distance is at most 0 and 0 from ``edge`` on; a step where the edge is 0."""
    if edge == 0:
        return (distance <= 0).double()
    return (1 + torch.cos(torch.pi * (distance / edge).clamp(0, 1))) / 2


def _otsu_threshold(values: Tensor) -> float:
    """Return the threshold that splits values (m,) into two classes with the largest variance between them."""
    if float(values.min()) == float(values.max()):
        raise ArgumentError("the map is flat: it holds nothing to put a mask around")
    counts, edges = np.histogram(values.cpu().numpy(), bins=HISTOGRAM_BINS)
    centres = (edges[1:] + edges[:-1]) / 2
    below, total = np.cumsum(counts)[:-1], counts.sum()
    sums = np.cumsum(counts * centres)
    mean_below, mean_above = sums[:-1] / below, (sums[-1] - sums[:-1]) / np.maximum(total - below, 1)
    between = below * (total - below) * (mean_above - mean_below) ** 2
    return float(edges[1:-1][np.argmax(between)])
