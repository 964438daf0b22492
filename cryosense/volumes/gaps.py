"""The points of a padded transform that slices of unpadded images do not come near."""

from __future__ import annotations

import torch
from torch import Tensor


def fill_gaps(volume: Tensor, spectrum: Tensor, pad_factor: int) -> Tensor:
    """(n, n, n), cut out of the map of (m, m, m // 2 + 1), m = pad_factor n -> (n, n, n) with the gaps of the latter filled.

    The coefficients of a slice lie ``pad_factor`` points apart. Between the origin and the first of them, at distances below
    ``pad_factor``, points hold what reached them from farther out, less than belongs there: at pad factor 2 the mean of the
    map comes out 30 to 40 % too small. What belongs there follows from the rest: outside the box the padded map is zero. The
    gaps' values (26 at pad factor 2) are changed so that the square of the map summed there is smallest.
    """
    device = volume.device
    points = _gaps(pad_factor).to(device)
    if len(points) == 0:
        return volume
    n, m = volume.shape[-1], spectrum.shape[0]
    position = torch.arange(n, dtype=torch.float64, device=device) - n // 2
    offset = torch.arange(-pad_factor, pad_factor + 1, dtype=torch.float64, device=device)
    waves = _waves(offset, position, m)
    inside = torch.einsum("zyx,az,by,cx->abc", volume.to(waves.dtype), *(waves.conj(),) * 3) / m**1.5
    at = (points + pad_factor).unbind(-1)
    within_box = torch.stack([_waves(d, position, m).sum(-1) for d in (points - points[:, None]).double().unbind(-1)])
    outside = torch.eye(len(points), device=device) - within_box.prod(0) / m**3
    full = _values(spectrum, points)
    change = torch.zeros_like(inside)
    change[at] = torch.linalg.solve(outside, inside[at] - full)
    return volume + torch.einsum("abc,az,by,cx->zyx", change, waves, waves, waves).real / m**1.5


def _gaps(pad_factor: int) -> Tensor:
    """-> (q, 3) int64 z, y, x: points nearer to the origin than ``pad_factor``, but for the origin itself."""
    axis = torch.arange(1 - pad_factor, pad_factor)
    points = torch.cartesian_prod(axis, axis, axis)
    squared = points.square().sum(1)
    return points[(squared > 0) & (squared < pad_factor**2)]


def _waves(frequency: Tensor, position: Tensor, size: int) -> Tensor:
    """(...), (n,) -> (..., n) complex128: exp(2 pi i frequency position / size)."""
    angle = 2 * torch.pi / size * frequency[..., None] * position
    return torch.polar(torch.ones_like(angle), angle)


def _values(spectrum: Tensor, points: Tensor) -> Tensor:
    """(m, m, m // 2 + 1), (q, 3) z, y, x -> (q,): coefficients of the whole space, from those of half of it."""
    partner = points[:, 2] < 0
    z, y, x = torch.where(partner[:, None], -points, points).unbind(-1)
    centre = spectrum.shape[0] // 2
    values = spectrum[z + centre, y + centre, x]
    return torch.where(partner, values.conj(), values)
