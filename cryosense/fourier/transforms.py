"""Centred and half transforms of images and volumes."""

from __future__ import annotations

import torch
from torch import Tensor


def axes_of(ndim: int) -> tuple[int, ...]:
    return tuple(range(-ndim, 0))


def fftn(x: Tensor, ndim: int = 2) -> Tensor:
    """(..., n, n) real or complex -> (..., n, n) complex: centred unitary transform over the last ``ndim`` axes."""
    axes = axes_of(ndim)
    return torch.fft.fftshift(torch.fft.fftn(torch.fft.ifftshift(x, dim=axes), dim=axes, norm="ortho"), dim=axes)


def ifftn(x: Tensor, ndim: int = 2) -> Tensor:
    """(..., n, n) complex -> (..., n, n) complex: the inverse of :func:`fftn`."""
    axes = axes_of(ndim)
    return torch.fft.fftshift(torch.fft.ifftn(torch.fft.ifftshift(x, dim=axes), dim=axes, norm="ortho"), dim=axes)


def half_plane(x: Tensor) -> Tensor:
    """(..., n, n) real -> (..., n, n // 2 + 1) complex: unitary transform, one of each Friedel pair, not centred."""
    return torch.fft.rfft2(x, norm="ortho")


def from_half_plane(spectrum: Tensor, box_size: int) -> Tensor:
    """(..., n, n // 2 + 1) complex -> (..., n, n) real: the inverse of :func:`half_plane`."""
    return torch.fft.irfft2(spectrum, s=(box_size, box_size), norm="ortho")


def half_spectrum(x: Tensor, ndim: int) -> Tensor:
    """(..., n, n) real -> (..., n, n // 2 + 1) complex: :func:`half_plane` over the last ``ndim`` axes."""
    return torch.fft.rfftn(x, dim=axes_of(ndim), norm="ortho")


def from_half_spectrum(spectrum: Tensor, box_size: int, ndim: int) -> Tensor:
    """(..., n, n // 2 + 1) complex -> (..., n, n) real: the inverse of :func:`half_spectrum`."""
    return torch.fft.irfftn(spectrum, s=(box_size,) * ndim, dim=axes_of(ndim), norm="ortho")


def filtered(x: Tensor, gain: Tensor) -> Tensor:
    """(b, ..., n, n) real, (n, n // 2 + 1) real half plane -> (b, ..., n, n): F^H diag(gain) F x, bit-equal in every batch."""
    # One transform is planned, and rounded, differently from several: one image comes as two.
    several = x if len(x) > 1 else torch.cat([x, x])
    return from_half_plane(half_plane(several) * gain, x.shape[-1])[: len(x)]


def centred_half_plane(x: Tensor) -> Tensor:
    """(..., n, n) real -> (..., n, n // 2 + 1) complex: :func:`half_plane` of an image whose origin is at index n // 2."""
    return half_plane(torch.fft.ifftshift(x, dim=(-2, -1)))


def from_centred_half_plane(spectrum: Tensor, box_size: int) -> Tensor:
    """(..., n, n // 2 + 1) complex -> (..., n, n) real: the inverse of :func:`centred_half_plane`."""
    return torch.fft.fftshift(from_half_plane(spectrum, box_size), dim=(-2, -1))


def centred_to_half_plane(plane: Tensor) -> Tensor:
    """(..., n, n) centred plane -> (..., n, n // 2 + 1): the values at the coefficients that :func:`half_plane` keeps."""
    n = plane.shape[-1]
    return torch.fft.ifftshift(plane, dim=(-2, -1))[..., : n // 2 + 1].contiguous()
