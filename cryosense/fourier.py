"""Centred orthonormal Fourier transforms, Friedel pairs and radial shells: the one module that calls ``torch.fft``.

Conventions. Images and volumes have their origin at index ``n // 2`` on each axis, in real and in Fourier space, so that a
centred spectrum can be looked at as it stands. All transforms are unitary (``norm="ortho"``). The Hartley functions and the
half plane keep the origin of real space at index 0, where no phase ramp is needed; what they return in the plane is centred.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

PLANES_AT_A_TIME = 8


def _axes(ndim: int) -> tuple[int, ...]:
    return tuple(range(-ndim, 0))


def fftn(x: Tensor, ndim: int = 2) -> Tensor:
    """(..., n, n) real or complex -> (..., n, n) complex: centred unitary transform over the last ``ndim`` axes."""
    axes = _axes(ndim)
    return torch.fft.fftshift(torch.fft.fftn(torch.fft.ifftshift(x, dim=axes), dim=axes, norm="ortho"), dim=axes)


def ifftn(x: Tensor, ndim: int = 2) -> Tensor:
    """(..., n, n) complex -> (..., n, n) complex: the inverse of :func:`fftn`."""
    axes = _axes(ndim)
    return torch.fft.fftshift(torch.fft.ifftn(torch.fft.ifftshift(x, dim=axes), dim=axes, norm="ortho"), dim=axes)


def half_plane(x: Tensor) -> Tensor:
    """(..., n, n) real -> (..., n, n // 2 + 1) complex: unitary transform, one of each Friedel pair, not centred."""
    return torch.fft.rfft2(x, norm="ortho")


def from_half_plane(spectrum: Tensor, box_size: int) -> Tensor:
    """(..., n, n // 2 + 1) complex -> (..., n, n) real: the inverse of :func:`half_plane`."""
    return torch.fft.irfft2(spectrum, s=(box_size, box_size), norm="ortho")


def half_spectrum(x: Tensor, ndim: int) -> Tensor:
    """(..., n, n) real -> (..., n, n // 2 + 1) complex: :func:`half_plane` over the last ``ndim`` axes."""
    return torch.fft.rfftn(x, dim=_axes(ndim), norm="ortho")


def from_half_spectrum(spectrum: Tensor, box_size: int, ndim: int) -> Tensor:
    """(..., n, n // 2 + 1) complex -> (..., n, n) real: the inverse of :func:`half_spectrum`."""
    return torch.fft.irfftn(spectrum, s=(box_size,) * ndim, dim=_axes(ndim), norm="ortho")


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


def half_space(x: Tensor) -> Tensor:
    """(..., n, n, n) real -> (..., n, n, n // 2 + 1) complex: half of :func:`fftn`; on the last axis 0 comes first."""
    spectrum = torch.fft.rfftn(torch.fft.ifftshift(x, dim=(-3, -2, -1)), dim=(-3, -2, -1), norm="ortho")
    return torch.fft.fftshift(spectrum, dim=(-3, -2))


def from_half_space(spectrum: Tensor, box_size: int) -> Tensor:
    """(..., n, n, n // 2 + 1) complex -> (..., n, n, n) real: the inverse of :func:`half_space`."""
    uncentred = torch.fft.ifftshift(spectrum, dim=(-3, -2))
    return torch.fft.fftshift(torch.fft.irfftn(uncentred, s=(box_size,) * 3, dim=(-3, -2, -1), norm="ortho"), dim=(-3, -2, -1))


def central_from_half_space(planes: Callable[[int, int], Tensor], size: int, kept: int) -> Tensor:
    """-> (k, k, k) float32, the ``kept`` voxels a side around the origin of what :func:`from_half_space` makes.

    ``planes(first, last)`` gives the spectrum's planes ``first`` to ``last`` along z, (l, n, n // 2 + 1) complex64 on any
    device, n = ``size``. Each is asked for once, a few at a time, so that the whole spectrum need not be there.
    """
    volume = lines = torch.empty(0)
    position = (torch.arange(kept) - kept // 2) % size
    for first in range(0, size, PLANES_AT_A_TIME):
        last = min(first + PLANES_AT_A_TIME, size)
        part = torch.fft.ifft(torch.fft.ifftshift(planes(first, last), dim=1), dim=1, norm="ortho")
        if first == 0:
            position = position.to(part.device)
            lines = torch.empty(size, kept, size // 2 + 1, dtype=part.dtype, device=part.device)
            volume = torch.empty(kept, kept, kept, device=part.device)
        lines[first:last] = part[:, position]
    for rows, into in zip(lines.split(PLANES_AT_A_TIME, dim=1), volume.split(PLANES_AT_A_TIME, dim=1), strict=True):
        part = torch.fft.ifft(torch.fft.ifftshift(rows, dim=0), dim=0, norm="ortho")[position]
        into.copy_(torch.fft.irfft(part, n=size, norm="ortho")[..., position])
    return volume


def half_space_shells(size: int, first: int = 0, last: int | None = None, *, device: torch.device | None = None) -> Tensor:
    """-> (n, n, n // 2 + 1) int64: shell of each coefficient of :func:`half_space`, its radius rounded.

    Of the planes ``first`` to ``last`` along z only, where these are given.
    """
    axis = torch.arange(size, device=device, dtype=torch.float32) - size // 2
    column = torch.arange(size // 2 + 1, device=device, dtype=torch.float32)
    # In single precision squares of whole numbers are exact, and no root below 1,500 is rounded to another shell.
    squares = axis[first:last, None, None] ** 2 + axis[:, None] ** 2 + column**2
    return squares.sqrt_().round_().long()


def half_space_multiplicity(size: int, *, device: torch.device | None = None) -> Tensor:
    """-> (n // 2 + 1,) float64: how many coefficients of the whole space those of :func:`half_space` stand for, along x.

    Two, a coefficient and its Friedel partner, but one where both are kept: at x = 0, and at the Nyquist of an even size.
    """
    column = torch.arange(size // 2 + 1, device=device)
    return torch.where((column == 0) | (2 * column == size), 1.0, 2.0).double()


def friedel_partner(plane: Tensor, ndim: int = 2) -> Tensor:
    """(..., n, n) centred plane -> (..., n, n): at k, the value that stood at -k (modulo n)."""
    axes = _axes(ndim)
    flipped = torch.flip(torch.fft.ifftshift(plane, dim=axes), dims=axes)
    return torch.fft.fftshift(torch.roll(flipped, (1,) * ndim, dims=axes), dim=axes)


def hartley(x: Tensor) -> Tensor:
    """(..., n, n) real -> (..., n, n) real, centred plane: Re F x - Im F x, orthonormal and its own inverse.

    The values at k and -k together carry the real and the imaginary part of the complex coefficient at k, so these n^2 real
    numbers are exactly the degrees of freedom of the transform of a real image.
    """
    spectrum = torch.fft.fft2(x, norm="ortho")
    return torch.fft.fftshift(spectrum.real - spectrum.imag, dim=(-2, -1))


def inverse_hartley(h: Tensor) -> Tensor:
    """(..., n, n) real, centred plane -> (..., n, n) real: the inverse (and transpose) of :func:`hartley`."""
    spectrum = torch.fft.fft2(torch.fft.ifftshift(h, dim=(-2, -1)), norm="ortho")
    return spectrum.real - spectrum.imag


def hartley_to_half_plane(h: Tensor) -> Tensor:
    """(..., n, n) real, centred Hartley plane -> (..., n, n // 2 + 1) complex half plane of the same image."""
    partner = friedel_partner(h)
    return centred_to_half_plane(torch.complex((h + partner) / 2, (partner - h) / 2))


def frequency_radius(n: int, ndim: int = 2, *, device: torch.device | None = None) -> Tensor:
    """-> (n,) * ndim: distance of each centred coefficient from the origin, in Fourier pixels (1 / box)."""
    axis = torch.arange(n, device=device, dtype=torch.float64) - n // 2
    grids = torch.meshgrid(*(axis,) * ndim, indexing="ij")
    return torch.sqrt(sum((g**2 for g in grids), torch.zeros((), dtype=torch.float64, device=device)))


def shell_index(n: int, ndim: int = 2, *, device: torch.device | None = None) -> Tensor:
    """-> (n,) * ndim int64: shell of each centred coefficient, its radius rounded to the nearest Fourier pixel."""
    return torch.round(frequency_radius(n, ndim, device=device)).long()


def shell_mean(values: Tensor, ndim: int = 2) -> Tensor:
    """(..., n, n) real centred -> (..., n // 2 + 1): mean over each shell from 0 to Nyquist; corners are left out."""
    return shell_sum(values, ndim) / shell_sum(torch.ones_like(values[(0,) * (values.ndim - ndim)]), ndim)


def shell_sum(values: Tensor, ndim: int = 2) -> Tensor:
    """(..., n, n) real centred -> (..., n // 2 + 1): sum over each shell from 0 to Nyquist; corners are left out."""
    n = values.shape[-1]
    index = shell_index(n, ndim, device=values.device).flatten()
    inside = index <= n // 2
    flat = values.flatten(start_dim=values.ndim - ndim)[..., inside]
    sums = torch.zeros(*flat.shape[:-1], n // 2 + 1, dtype=values.dtype, device=values.device)
    return sums.index_add_(-1, index[inside], flat)


def power_spectrum(x: Tensor, ndim: int = 2) -> Tensor:
    """(..., n, n) real -> (..., n // 2 + 1): mean of |F x|^2 over each shell; white noise of deviation s gives s^2."""
    return shell_mean(fftn(x, ndim).abs() ** 2, ndim)


def fourier_crop(x: Tensor, size: int, ndim: int = 2) -> Tensor:
    """(..., n, n) real -> (..., size, size) real, size <= n: keep the low frequencies; the mean value is preserved."""
    n = x.shape[-1]
    start = n // 2 - size // 2
    spectrum = fftn(x, ndim)
    for axis in _axes(ndim):
        spectrum = spectrum.narrow(axis, start, size)
    return ifftn(spectrum, ndim).real * (size / n) ** (ndim / 2)


def fourier_pad(x: Tensor, size: int, ndim: int = 2) -> Tensor:
    """(..., n, n) real -> (..., size, size) real, size >= n: add empty high frequencies; the mean value is preserved."""
    n = x.shape[-1]
    before = size // 2 - n // 2
    spectrum = torch.nn.functional.pad(fftn(x, ndim), (before, size - n - before) * ndim)
    return ifftn(spectrum, ndim).real * (size / n) ** (ndim / 2)


def rotational_mean(plane: Tensor) -> Tensor:
    """(n, n) real centred -> (n, n): each coefficient replaced by the mean of its shell, corners included."""
    index = shell_index(plane.shape[-1], device=plane.device).flatten()
    sums = torch.zeros(int(index.max()) + 1, dtype=plane.dtype, device=plane.device).index_add_(0, index, plane.flatten())
    return (sums / torch.bincount(index))[index].reshape(plane.shape)


def shear(image: Tensor, slope: float, axis: int) -> Tensor:
    """(..., n, n) real -> (..., n, n) real: each line along ``axis`` (-1 or -2) moved by slope times its distance from n // 2.

    A phase ramp per line: content moves by fractions of a pixel without interpolation and enters again at the other side. The
    Nyquist coefficient, which has no direction to move in, stays.
    """
    n = image.shape[-1]
    lines = image if axis == -1 else image.transpose(-1, -2)
    distance = torch.arange(n, device=image.device) - n // 2
    frequency = torch.fft.rfftfreq(n, device=image.device)
    if n % 2 == 0:
        frequency[-1] = 0
    ramp = torch.exp(-2j * torch.pi * slope * distance[:, None] * frequency)
    moved = torch.fft.irfft(torch.fft.rfft(lines) * ramp, n=n)
    return moved if axis == -1 else moved.transpose(-1, -2)
