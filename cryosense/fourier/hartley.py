"""Friedel pairs, and the Hartley transform: the real degrees of freedom of a real image's transform."""

from __future__ import annotations

import torch
from torch import Tensor

from cryosense.fourier.transforms import axes_of, centred_to_half_plane, without_repeats


def friedel_partner(plane: Tensor, ndim: int = 2) -> Tensor:
    """Return at each k of a centred plane (..., n, n) the value at -k (modulo n)."""
    axes = axes_of(ndim)
    flipped = torch.flip(torch.fft.ifftshift(plane, dim=axes), dims=axes)
    return torch.fft.fftshift(torch.roll(flipped, (1,) * ndim, dims=axes), dim=axes)


def hartley(x: Tensor) -> Tensor:
    """Return ``Re F x - Im F x`` on the centred plane, (..., n, n) real: orthonormal and its own inverse.

    The values at k and -k together carry the real and the imaginary part of the complex coefficient at k, so these n^2 real
    numbers are exactly the degrees of freedom of the transform of a real image.
    """
    spectrum = torch.fft.fft2(without_repeats(x), norm="ortho")
    return _centred(spectrum.real - spectrum.imag)


def _centred(plane: Tensor) -> Tensor:
    """Return what ``fftshift`` does, in one pass over memory instead of one for each axis."""
    (n, m), (h, w) = plane.shape[-2:], (plane.shape[-2] // 2, plane.shape[-1] // 2)
    centred = torch.empty_like(plane)
    for into, rows in ((slice(h), slice(n - h, n)), (slice(h, n), slice(n - h))):
        centred[..., into, :w], centred[..., into, w:] = plane[..., rows, m - w :], plane[..., rows, : m - w]
    return centred


def inverse_hartley(h: Tensor) -> Tensor:
    """Invert (and transpose) ``hartley``: return real images (..., n, n) from centred planes."""
    spectrum = torch.fft.fft2(torch.fft.ifftshift(h, dim=(-2, -1)), norm="ortho")
    return spectrum.real - spectrum.imag


def hartley_to_half_plane(h: Tensor) -> Tensor:
    """Return the complex half plane, (..., n, n // 2 + 1), of the image with this centred Hartley plane."""
    partner = friedel_partner(h)
    return centred_to_half_plane(torch.complex((h + partner) / 2, (partner - h) / 2))
