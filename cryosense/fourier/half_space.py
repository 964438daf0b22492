"""Half of a volume's centred spectrum: one of each Friedel pair, its shells, and the way back a part at a time."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

PLANES_AT_A_TIME, COLUMN_GROUPS = 8, 4


def half_space(x: Tensor) -> Tensor:
    """Return half of ``fftn`` of real volumes, (..., n, n, n // 2 + 1) complex; on the last axis 0 comes first."""
    spectrum = torch.fft.rfftn(torch.fft.ifftshift(x, dim=(-3, -2, -1)), dim=(-3, -2, -1), norm="ortho")
    return torch.fft.fftshift(spectrum, dim=(-3, -2))


def from_half_space(spectrum: Tensor, box_size: int) -> Tensor:
    """Invert ``half_space``: return real volumes (..., n, n, n)."""
    uncentred = torch.fft.ifftshift(spectrum, dim=(-3, -2))
    return torch.fft.fftshift(torch.fft.irfftn(uncentred, s=(box_size,) * 3, dim=(-3, -2, -1), norm="ortho"), dim=(-3, -2, -1))


def central_from_half_space(
    block: Callable[[range, range], Tensor], size: int, kept: int, device: torch.device | None = None
) -> Tensor:
    """Return the ``kept`` voxels a side around the origin of what ``from_half_space`` makes, (k, k, k) float32.

    ``block(planes, columns)`` returns these planes along z of the spectrum and these columns along x, (p, n, c) complex64 on
    ``device``, n = ``size``. Each is asked for once, so that the whole spectrum need never exist: what is held of it is cut to
    k along y, and along z too but for a quarter of the columns.
    """
    width = size // 2 + 1
    held = torch.empty(kept, kept, width, dtype=torch.complex64, device=device)
    for columns in portions(width, -(-width // COLUMN_GROUPS)):
        _fill(held[:, :, columns.start : columns.stop], block, columns, size)
    volume = torch.empty(kept, kept, kept, device=device)
    for planes, into in zip(held.split(PLANES_AT_A_TIME), volume.split(PLANES_AT_A_TIME), strict=True):
        into.copy_(torch.cat(_around_origin(torch.fft.irfft(planes, n=size, norm="ortho"), kept, 2), dim=2))
    if size % 2 == 0:
        signs = 1 - 2 * ((torch.arange(kept, device=volume.device) - kept // 2) % 2).float()
        volume *= signs[:, None]
        volume *= signs[:, None, None]
    return volume


def _fill(held: Tensor, block: Callable[[range, range], Tensor], columns: range, size: int) -> None:
    """Fill ``held`` (k, k, c) with these columns of the spectrum, transformed along z and y and cut to k."""
    kept = len(held)
    lines = torch.empty(size, kept, len(columns), dtype=held.dtype, device=held.device)
    for planes in portions(size, PLANES_AT_A_TIME):
        lines[planes.start : planes.stop] = _cut_transform(block(planes, columns), kept, 1)
    for rows, into in zip(lines.split(PLANES_AT_A_TIME, dim=1), held.split(PLANES_AT_A_TIME, dim=1), strict=True):
        into.copy_(_cut_transform(rows, kept, 0))


def portions(count: int, step: int) -> list[range]:
    """Return ranges of ``step`` numbers, and a last one of the rest, that together are 0 to ``count`` - 1."""
    return [range(first, min(first + step, count)) for first in range(0, count, step)]


def _cut_transform(spectrum: Tensor, kept: int, dim: int) -> Tensor:
    """Return the ``kept`` values around the origin of a centred spectrum's inverse transform along one axis."""
    return torch.cat(_around_origin(torch.fft.ifft(_for_transform(spectrum, dim), dim=dim, norm="ortho"), kept, dim), dim=dim)


def _for_transform(spectrum: Tensor, dim: int) -> Tensor:
    """Return a centred spectrum with its origin first where its size is odd.

    Where it is even, to move the origin by half of it only changes the sign of every other voxel, which costs less.
    """
    return spectrum if spectrum.shape[dim] % 2 == 0 else torch.fft.ifftshift(spectrum, dim=dim)


def _around_origin(x: Tensor, kept: int, dim: int) -> tuple[Tensor, Tensor]:
    """Return views of the ``kept`` values around the origin, which is at index 0: those before it, and the rest."""
    before = kept // 2
    return x.narrow(dim, x.shape[dim] - before, before), x.narrow(dim, 0, kept - before)


def half_space_shells(
    size: int, planes: range | None = None, columns: range | None = None, *, device: torch.device | None = None
) -> Tensor:
    """Return the shell of each coefficient of ``half_space``, its radius rounded, (n, n, n // 2 + 1) int64.

    Only of these planes along z and these columns along x, if given.
    """
    axis = torch.arange(size, device=device, dtype=torch.float32) - size // 2
    column = torch.arange(size // 2 + 1, device=device, dtype=torch.float32)
    z = axis if planes is None else axis[planes.start : planes.stop]
    x = column if columns is None else column[columns.start : columns.stop]
    # In single precision squares of whole numbers are exact, and no root below 1,500 is rounded to another shell.
    squares = z[:, None, None] ** 2 + axis[:, None] ** 2 + x**2
    return squares.sqrt_().round_().long()


def half_space_multiplicity(size: int, *, device: torch.device | None = None) -> Tensor:
    """Return how many coefficients of the whole space each of ``half_space`` stands for, along x, (n // 2 + 1,) float64.

    Two, a coefficient and its Friedel partner, but one where both are kept: at x = 0, and at the Nyquist of an even size.
    """
    column = torch.arange(size // 2 + 1, device=device)
    return torch.where((column == 0) | (2 * column == size), 1.0, 2.0).double()
