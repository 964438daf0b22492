"""Centred and half transforms of images and volumes."""

from __future__ import annotations

import torch
from torch import Tensor


def axes_of(ndim: int) -> tuple[int, ...]:
    """Return the last ``ndim`` axes: (-2, -1) for 2."""
    return tuple(range(-ndim, 0))


def without_repeats(x: Tensor) -> Tensor:
    """Return a tensor itself, or copied where it is a view that repeats elements: torch 2.6 refuses to transform such."""
    return x.contiguous() if 0 in x.stride() else x


def fftn(x: Tensor, ndim: int = 2) -> Tensor:
    """Return the centred unitary transform over the last ``ndim`` axes, (..., n, n) complex."""
    axes = axes_of(ndim)
    return torch.fft.fftshift(torch.fft.fftn(torch.fft.ifftshift(x, dim=axes), dim=axes, norm="ortho"), dim=axes)


def ifftn(x: Tensor, ndim: int = 2) -> Tensor:
    """Invert ``fftn``: return (..., n, n) complex."""
    axes = axes_of(ndim)
    return torch.fft.fftshift(torch.fft.ifftn(torch.fft.ifftshift(x, dim=axes), dim=axes, norm="ortho"), dim=axes)


def half_plane(x: Tensor) -> Tensor:
    """Return the unitary transform of real images, one of each Friedel pair, not centred, (..., n, n // 2 + 1) complex."""
    return torch.fft.rfft2(without_repeats(x), norm="ortho")


def from_half_plane(spectrum: Tensor, box_size: int) -> Tensor:
    """Invert ``half_plane``: return real images (..., n, n)."""
    return torch.fft.irfft2(spectrum, s=(box_size, box_size), norm="ortho")


def half_spectrum(x: Tensor, ndim: int) -> Tensor:
    """Return ``half_plane`` over the last ``ndim`` axes, (..., n, n // 2 + 1) complex."""
    return torch.fft.rfftn(without_repeats(x), dim=axes_of(ndim), norm="ortho")


def from_half_spectrum(spectrum: Tensor, box_size: int, ndim: int) -> Tensor:
    """Invert ``half_spectrum``: return real (..., n, n)."""
    return torch.fft.irfftn(spectrum, s=(box_size,) * ndim, dim=axes_of(ndim), norm="ortho")


def filtered(x: Tensor, gain: Tensor) -> Tensor:
    """Return ``F^H diag(gain) F x``, (b, ..., n, n), the same bits in every batch; gain is a half plane (n, n // 2 + 1)."""
    # A single transform is planned, and rounded, differently from several: one image is passed as two.
    several = x if len(x) > 1 else torch.cat([x, x])
    return from_half_plane(half_plane(several) * gain, x.shape[-1])[: len(x)]


def centred_half_plane(x: Tensor) -> Tensor:
    """Return ``half_plane`` of real images whose origin is at index n // 2, (..., n, n // 2 + 1) complex."""
    return half_plane(torch.fft.ifftshift(x, dim=(-2, -1)))


def from_centred_half_plane(spectrum: Tensor, box_size: int) -> Tensor:
    """Invert ``centred_half_plane``: return real images (..., n, n)."""
    return torch.fft.fftshift(from_half_plane(spectrum, box_size), dim=(-2, -1))


def centred_to_half_plane(plane: Tensor) -> Tensor:
    """Return the values (..., n, n // 2 + 1) of a centred plane at the coefficients that ``half_plane`` keeps."""
    n = plane.shape[-1]
    return torch.fft.ifftshift(plane, dim=(-2, -1))[..., : n // 2 + 1].contiguous()
