"""Radial shells of a centred plane or volume: radii, means and sums."""

from __future__ import annotations

import torch
from torch import Tensor

from cryosense.fourier.transforms import fftn


def frequency_radius(n: int, ndim: int = 2, *, device: torch.device | None = None) -> Tensor:
    """Return each centred coefficient's distance from the origin in Fourier pixels (1 / box), shape (n,) * ndim."""
    axis = torch.arange(n, device=device, dtype=torch.float64) - n // 2
    grids = torch.meshgrid(*(axis,) * ndim, indexing="ij")
    return torch.sqrt(sum((g**2 for g in grids), torch.zeros((), dtype=torch.float64, device=device)))


def shell_index(n: int, ndim: int = 2, *, device: torch.device | None = None) -> Tensor:
    """Return each centred coefficient's shell, its radius rounded to the nearest Fourier pixel, int64 of shape (n,) * ndim."""
    return torch.round(frequency_radius(n, ndim, device=device)).long()


def shell_mean(values: Tensor, ndim: int = 2) -> Tensor:
    """Return the mean over each shell from 0 to Nyquist, (..., n // 2 + 1), of a centred plane; corners are left out."""
    return shell_sum(values, ndim) / shell_sum(torch.ones_like(values[(0,) * (values.ndim - ndim)]), ndim)


def shell_sum(values: Tensor, ndim: int = 2) -> Tensor:
    """Return the sum over each shell from 0 to Nyquist, (..., n // 2 + 1), of a centred plane; corners are left out."""
    n = values.shape[-1]
    index = shell_index(n, ndim, device=values.device).flatten()
    inside = index <= n // 2
    flat = values.flatten(start_dim=values.ndim - ndim)[..., inside]
    sums = torch.zeros(*flat.shape[:-1], n // 2 + 1, dtype=values.dtype, device=values.device)
    return sums.index_add_(-1, index[inside], flat)


def power_spectrum(x: Tensor, ndim: int = 2) -> Tensor:
    """Return the mean of ``|F x|^2`` over each shell, (..., n // 2 + 1); white noise of standard deviation s gives s^2."""
    return shell_mean(fftn(x, ndim).abs() ** 2, ndim)


def rotational_mean(plane: Tensor) -> Tensor:
    """Return a centred plane (n, n) with each coefficient replaced by the mean of its shell, corners included."""
    index = shell_index(plane.shape[-1], device=plane.device).flatten()
    sums = torch.zeros(int(index.max()) + 1, dtype=plane.dtype, device=plane.device).index_add_(0, index, plane.flatten())
    return (sums / torch.bincount(index))[index].reshape(plane.shape)
