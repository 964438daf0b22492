"""The points of a padded transform near which no slices of unpadded images come."""

from __future__ import annotations

import torch
from torch import Tensor


def fill_gaps(volume: Tensor, middle: Tensor, padded_size: int, pad_factor: int) -> Tensor:
    """Fill the gaps of a map (n, n, n), cut out of the map of m = ``padded_size`` voxels a side, in place, and return it.

    ``middle``, (2 pad_factor - 1, m, pad_factor), holds what its transform has at z around 0 and at x from 0 on. The
    coefficients of a slice lie ``pad_factor`` points apart. Between the origin and the first of them, at distances below
    ``pad_factor``, points hold what reached them from farther out, less than belongs there: at pad factor 2 the mean of the
    map comes out 30 to 40 % too small. What belongs there follows from the rest: outside the box the padded map is zero. The
    gaps' values (26 at pad factor 2) are changed so that the sum of the squared map there is smallest.
    """
    device = volume.device
    points = _gaps(pad_factor).to(device)
    if len(points) == 0:
        return volume
    n, m = volume.shape[-1], padded_size
    position = torch.arange(n, dtype=torch.float64, device=device) - n // 2
    offset = torch.arange(-pad_factor, pad_factor + 1, dtype=torch.float64, device=device)
    waves = _waves(offset, position, m)
    inside = torch.stack([_seen(plane, waves) for plane in volume])  # (z, b, c)
    inside = torch.einsum("zbc,az->abc", inside, waves.conj()) / m**1.5
    at = (points + pad_factor).unbind(-1)
    within_box = torch.stack([_waves(d, position, m).sum(-1) for d in (points - points[:, None]).double().unbind(-1)])
    outside = torch.eye(len(points), device=device) - within_box.prod(0) / m**3
    change = torch.zeros_like(inside)
    change[at] = torch.linalg.solve(outside, inside[at] - _values(middle, points))
    for plane, missing in zip(volume, torch.einsum("abc,az->zbc", change, waves), strict=True):
        plane += ((waves.T @ missing @ waves).real / m**1.5).to(plane.dtype)
    return volume


def _seen(plane: Tensor, waves: Tensor) -> Tensor:
    """Return the coefficients, (w, w), of a plane (n, n) at these waves (w, n) along y and x."""
    return waves.conj() @ (plane.to(waves.dtype) @ waves.conj().T)


def _gaps(pad_factor: int) -> Tensor:
    """Return the points z, y, x nearer to the origin than ``pad_factor``, without the origin itself, (q, 3) int64."""
    axis = torch.arange(1 - pad_factor, pad_factor)
    points = torch.cartesian_prod(axis, axis, axis)
    squared = points.square().sum(1)
    return points[(squared > 0) & (squared < pad_factor**2)]


def _waves(frequency: Tensor, position: Tensor, size: int) -> Tensor:
    """Return ``exp(2 pi i frequency position / size)``, (..., n) complex128, for frequencies (...) and positions (n,)."""
    angle = 2 * torch.pi / size * frequency[..., None] * position
    return torch.polar(torch.ones_like(angle), angle)


def _values(middle: Tensor, points: Tensor) -> Tensor:
    """Return coefficients (q,) of the whole space at points (q, 3) z, y, x, from those of its half around the origin."""
    partner = points[:, 2] < 0
    z, y, x = torch.where(partner[:, None], -points, points).unbind(-1)
    values = middle[z + middle.shape[0] // 2, y + middle.shape[1] // 2, x]
    return torch.where(partner, values.conj(), values)
