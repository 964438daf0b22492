"""Friedel pairs, and the Hartley transform: the real degrees of freedom of a real image's transform."""

from __future__ import annotations

import torch
from torch import Tensor

from cryosense.fourier.transforms import axes_of, centred_to_half_plane, half_plane


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
    return _transformed(x, centred=True)


def inverse_hartley(h: Tensor) -> Tensor:
    """Invert (and transpose) ``hartley``: return real images (..., n, n) from centred planes."""
    return _transformed(torch.fft.ifftshift(h, dim=(-2, -1)), centred=False)


def _transformed(x: Tensor, *, centred: bool) -> Tensor:
    """Return ``Re F x - Im F x``, (..., n, n), with the origin of the plane at n // 2 or at 0; the same bits in every batch.

    Only half of the plane is transformed: elsewhere it is ``Re + Im`` of the Friedel partner.
    """
    n, half, alone = x.shape[-1], x.shape[-1] // 2, x.shape[:-2].numel() == 1
    # A single transform is planned, and rounded, differently from several: one image is passed as two.
    spectrum = half_plane(x.expand(2, *x.shape) if alone else x)
    real, imaginary = torch.view_as_real(spectrum[0] if alone else spectrum).unbind(-1)
    return _whole(real[..., : n - half] - imaginary[..., : n - half], real[..., 1:] + imaginary[..., 1:], centred)


def _whole(right: Tensor, partners: Tensor, centred: bool) -> Tensor:
    """Return the plane (..., n, n) with these values at 0, 1, ... along x, and at -1, -2, ... those of Friedel partners."""
    n, half = right.shape[-2], partners.shape[-1]
    left = partners.flip((-2, -1))
    plane = right.new_empty(*right.shape[:-1], n)
    first, cut = (half, half + 1) if centred else (0, 1)
    of_left, of_right = (slice(half), slice(half, n)) if centred else (slice(n - half, n), slice(n - half))
    for part, columns, above in ((right, of_right, first), (left, of_left, cut)):
        plane[..., :above, columns] = part[..., n - above :, :]
        plane[..., above:, columns] = part[..., : n - above, :]
    return plane


def half_to_centred_plane(half: Tensor) -> Tensor:
    """Invert ``centred_to_half_plane`` for real values (..., n, n // 2 + 1), the same at k and -k: return (..., n, n)."""
    n = half.shape[-2]
    return _whole(half[..., : n - n // 2], half[..., 1:], centred=True)


def hartley_to_half_plane(h: Tensor) -> Tensor:
    """Return the complex half plane, (..., n, n // 2 + 1), of the image with this centred Hartley plane."""
    partner = friedel_partner(h)
    return centred_to_half_plane(torch.complex((h + partner) / 2, (partner - h) / 2))
