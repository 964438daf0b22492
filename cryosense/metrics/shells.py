"""Sums over the shells of half spectra, a few planes at a time."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from cryosense import fourier

PLANES = 8


def shell_products(one: Tensor, other: Tensor, *, ndim: int) -> Tensor:
    """Return Re(one conj(other)) summed over shells, (..., n // 2 + 1) float64, of half spectra in ``ndim`` dimensions."""
    n, batch = one.shape[-2], one.shape[: one.ndim - ndim]
    times = fourier.half_space_multiplicity(n, device=one.device)
    sums = torch.zeros(*batch, n // 2 + 2, dtype=torch.float64, device=one.device)
    for part, shell in shells_in_portions(n, ndim, device=one.device):
        a, b = one[..., part, :, :], other[..., part, :, :]
        product = ((a.real * b.real + a.imag * b.imag) * times).flatten(len(batch))
        sums.scatter_add_(-1, shell.clamp_max(n // 2 + 1).flatten().expand(product.shape), product)
    return sums[..., :-1]


def correlation(one: Tensor, other: Tensor, *, ndim: int) -> Tensor:
    """Return the correlation of two half spectra per shell, (..., n // 2 + 1); 0 where either is empty."""
    norm = torch.sqrt(shell_products(one, one, ndim=ndim) * shell_products(other, other, ndim=ndim))
    cross = shell_products(one, other, ndim=ndim)
    return torch.where(norm > 0, cross / norm.where(norm > 0, torch.ones_like(norm)), 0)


def shells_in_portions(n: int, ndim: int, *, device: torch.device | None = None) -> Iterator[tuple[slice, Tensor]]:
    """Yield portions of the first axis of three, or all of two, with the shells (l, n, n // 2 + 1) of their coefficients."""
    axis = (torch.arange(n, device=device) + n // 2) % n - n // 2
    column = torch.arange(n // 2 + 1, device=device)
    plane = (axis[:, None] ** 2 + column**2).float()
    if ndim == 2:
        yield slice(None), plane.sqrt().round().long()
        return
    for first in range(0, n, PLANES):
        part = slice(first, first + PLANES)
        # In single precision squares of whole numbers are exact, and no root below 1,500 is rounded to another shell.
        yield part, (plane + axis[part, None, None] ** 2).sqrt_().round_().long()
