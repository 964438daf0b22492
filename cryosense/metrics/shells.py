"""Sums over the shells of half spectra, a few planes at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache

import torch
from torch import Tensor

from cryosense import fourier

PLANES = 8


def shell_products(one: Tensor, other: Tensor, *, ndim: int) -> Tensor:
    """Return Re(one conj(other)) summed over shells, (..., n // 2 + 1) float64, of half spectra in ``ndim`` dimensions."""
    return _products(((one, other),), ndim)[0]


def correlation(one: Tensor, other: Tensor, *, ndim: int, rounding: float = 0.0) -> Tensor:
    """Return the correlation of two half spectra per shell, (..., n // 2 + 1); 0 where either is empty.

    ``rounding``: what pixels were rounded by, relative to their root mean square; a shell that holds no more is empty.
    """
    power, other_power, cross = _products(((one, one), (other, other), (one, other)), ndim)
    return normalised(power, other_power, cross, ndim=ndim, rounding=rounding)


def normalised(power: Tensor, other_power: Tensor, cross: Tensor, *, ndim: int, rounding: float) -> Tensor:
    """Return the ``correlation`` of which these are the sums over shells, (..., n // 2 + 1) each."""
    norm = torch.sqrt(power * other_power)
    full = (power > _rounded(power, ndim, rounding)) & (other_power > _rounded(other_power, ndim, rounding))
    return torch.where(full, cross / norm.where(full, torch.ones_like(norm)), 0)


def _rounded(power: Tensor, ndim: int, rounding: float) -> Tensor:
    """Return the power of white noise of this relative deviation in each shell, (..., n // 2 + 1)."""
    n = 2 * (power.shape[-1] - 1)
    radius = torch.arange(power.shape[-1], device=power.device, dtype=power.dtype)
    coefficients = (2 * math.pi * radius if ndim == 2 else 4 * math.pi * radius**2).clamp_min(1)
    return rounding**2 * power.sum(-1, keepdim=True) * coefficients / n**ndim


def ring_sums(spectra: Tensor) -> Tensor:
    """Return sums over rings of half planes, two of each (2, b, n, n // 2 + 1): both powers, and Re(one conj(other)).

    They are (3, b, n // 2 + 1) float64, and so are the products that are summed.
    """
    rings, times = _rings(spectra.shape[-2], spectra.device)
    one, other = (torch.view_as_real(each).double() for each in spectra)
    products = torch.stack([one.square(), other.square(), one * other]).sum(-1).mul(times).flatten(-2)
    sums = products.new_zeros(*products.shape[:-1], spectra.shape[-1] + 1)
    return sums.scatter_add(-1, rings.flatten().expand(products.shape), products)[..., :-1]


def compiled_ring_sums(spectra: Tensor) -> Tensor:
    """Return ``ring_sums`` of half planes on the CPU, by a compiled loop."""
    from cryosense.metrics.compiled_scores import add_rings

    rings, times = _rings(spectra.shape[-2], spectra.device)
    sums = torch.zeros(3, spectra.shape[1], spectra.shape[-1] + 1, dtype=torch.float64)
    add_rings(*spectra.numpy(), rings.numpy(), times.numpy(), sums.numpy())
    return sums[..., :-1]


@lru_cache(maxsize=16)
def _rings(n: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the ring of each coefficient of a half plane, n // 2 + 1 beyond Nyquist; and how many each column's stand for."""
    ((_, ring),) = shells_in_portions(n, 2, device=device)
    return ring.clamp_max_(n // 2 + 1), fourier.half_space_multiplicity(n, device=device)


def _products(pairs: Sequence[tuple[Tensor, Tensor]], ndim: int) -> list[Tensor]:
    """Return ``shell_products`` of each pair; all are of one shape."""
    like = pairs[0][0]
    n, batch = like.shape[-2], like.shape[: like.ndim - ndim]
    times = fourier.half_space_multiplicity(n, device=like.device)
    sums = [torch.zeros(*batch, n // 2 + 2, dtype=torch.float64, device=like.device) for _ in pairs]
    for part, shell in shells_in_portions(n, ndim, device=like.device):
        shells = shell.clamp_max_(n // 2 + 1).flatten()
        # Real and imaginary parts by themselves: to step over one at each of the other costs more than to copy them once.
        split = {id(each): _split(each[..., part, :, :]) for pair in pairs for each in pair}
        for total, (one, other) in zip(sums, pairs, strict=True):
            (a, b), (c, d) = split[id(one)], split[id(other)]
            product = ((a * c).add_(b * d) * times).flatten(len(batch))
            total.scatter_add_(-1, shells.expand(product.shape), product)
    return [total[..., :-1] for total in sums]


def _split(spectrum: Tensor) -> tuple[Tensor, Tensor]:
    return spectrum.real.contiguous(), spectrum.imag.contiguous()


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
