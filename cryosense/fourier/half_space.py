"""Half of a volume's centred spectrum: one of each Friedel pair, its shells, and the way back a few planes at a time."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

PLANES_AT_A_TIME = 8


def half_space(x: Tensor) -> Tensor:
    """Return half of ``fftn`` of real volumes, (..., n, n, n // 2 + 1) complex; on the last axis 0 comes first."""
    spectrum = torch.fft.rfftn(torch.fft.ifftshift(x, dim=(-3, -2, -1)), dim=(-3, -2, -1), norm="ortho")
    return torch.fft.fftshift(spectrum, dim=(-3, -2))


def from_half_space(spectrum: Tensor, box_size: int) -> Tensor:
    """Invert ``half_space``: return real volumes (..., n, n, n)."""
    uncentred = torch.fft.ifftshift(spectrum, dim=(-3, -2))
    return torch.fft.fftshift(torch.fft.irfftn(uncentred, s=(box_size,) * 3, dim=(-3, -2, -1), norm="ortho"), dim=(-3, -2, -1))


def central_from_half_space(planes: Callable[[int, int], Tensor], size: int, kept: int) -> Tensor:
    """Return the ``kept`` voxels a side around the origin of what ``from_half_space`` makes, (k, k, k) float32.

    ``planes(first, last)`` returns the spectrum's planes ``first`` to ``last`` along z, (l, n, n // 2 + 1) complex64 on any
    device, n = ``size``. Each is asked for once, a few at a time, so that the whole spectrum need never exist.
    """
    volume = lines = torch.empty(0)
    for first in range(0, size, PLANES_AT_A_TIME):
        last = min(first + PLANES_AT_A_TIME, size)
        part = torch.fft.ifft(_for_transform(planes(first, last), 1), dim=1, norm="ortho")
        if first == 0:
            lines = torch.empty(size, kept, size // 2 + 1, dtype=part.dtype, device=part.device)
            volume = torch.empty(kept, kept, kept, device=part.device)
        torch.cat(_around_origin(part, kept, 1), dim=1, out=lines[first:last])
    for rows, into in zip(lines.split(PLANES_AT_A_TIME, dim=1), volume.split(PLANES_AT_A_TIME, dim=1), strict=True):
        part = torch.fft.ifft(_for_transform(rows, 0), dim=0, norm="ortho")
        part = torch.fft.irfft(torch.cat(_around_origin(part, kept, 0)), n=size, norm="ortho")
        into.copy_(torch.cat(_around_origin(part, kept, 2), dim=2))
    if size % 2 == 0:
        signs = 1 - 2 * ((torch.arange(kept, device=volume.device) - kept // 2) % 2).float()
        volume *= signs[:, None]
        volume *= signs[:, None, None]
    return volume


def _for_transform(spectrum: Tensor, dim: int) -> Tensor:
    """Return a centred spectrum with its origin first where its size is odd.

    Where it is even, to move the origin by half of it only changes the sign of every other voxel, which costs less.
    """
    return spectrum if spectrum.shape[dim] % 2 == 0 else torch.fft.ifftshift(spectrum, dim=dim)


def _around_origin(x: Tensor, kept: int, dim: int) -> tuple[Tensor, Tensor]:
    """Return views of the ``kept`` values around the origin, which is at index 0: those before it, and the rest."""
    before = kept // 2
    return x.narrow(dim, x.shape[dim] - before, before), x.narrow(dim, 0, kept - before)


def half_space_shells(size: int, first: int = 0, last: int | None = None, *, device: torch.device | None = None) -> Tensor:
    """Return the shell of each coefficient of ``half_space``, its radius rounded, (n, n, n // 2 + 1) int64.

    Only of the planes ``first`` to ``last`` along z, if given.
    """
    axis = torch.arange(size, device=device, dtype=torch.float32) - size // 2
    column = torch.arange(size // 2 + 1, device=device, dtype=torch.float32)
    # In single precision squares of whole numbers are exact, and no root below 1,500 is rounded to another shell.
    squares = axis[first:last, None, None] ** 2 + axis[:, None] ** 2 + column**2
    return squares.sqrt_().round_().long()


def half_space_multiplicity(size: int, *, device: torch.device | None = None) -> Tensor:
    """Return how many coefficients of the whole space each of ``half_space`` stands for, along x, (n // 2 + 1,) float64.

    Two, a coefficient and its Friedel partner, but one where both are kept: at x = 0, and at the Nyquist of an even size.
    """
    column = torch.arange(size // 2 + 1, device=device)
    return torch.where((column == 0) | (2 * column == size), 1.0, 2.0).double()
