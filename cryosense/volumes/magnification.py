"""Images stretched by an anisotropic magnification, restored by trigonometric interpolation along one axis at a time."""

from __future__ import annotations

import torch
from torch import Tensor

Matrix = tuple[float, float, float, float]
NONE: Matrix = (1.0, 0.0, 0.0, 1.0)


def undistorted(images: Tensor, magnification: Matrix) -> Tensor:
    """Return images (b, n, n), centred on n // 2, whose coefficient at k is that of the given ones at ``M^-1 k``.

    In real space this is ``det M`` times the image at ``M^T x``: first each column is read at ``b / a x + (d - b c / a) y``,
    then each row at ``a x + c y``, for ``M = [[a, b], [c, d]]`` (Catmull and Smith 1980). What then lies beyond Nyquist is
    dropped.
    """
    a, b, c, d = magnification
    position = torch.arange(images.shape[-1], device=images.device) - images.shape[-1] // 2
    along_columns = _read_at(images.mT.double(), d - b * c / a, b / a * position).mT
    along_rows = _read_at(along_columns, a, c * position)
    return ((a * d - b * c) * along_rows).to(images.dtype)


def recorded(box_size: int, magnification: Matrix) -> Tensor:
    """Return the coefficients k for which ``M^-1 k`` lies inside the circle of Nyquist, (n, n // 2 + 1) bool."""
    rows = (torch.arange(box_size) + box_size // 2) % box_size - box_size // 2
    y, x = torch.meshgrid(rows, torch.arange(box_size // 2 + 1), indexing="ij")
    inverse = torch.tensor(magnification, dtype=torch.float64).reshape(2, 2).inverse()
    return (torch.stack([x, y], dim=-1).double() @ inverse.T).norm(dim=-1) < box_size / 2


def _read_at(lines: Tensor, scale: float, shifts: Tensor) -> Tensor:
    """Return lines (b, lines, n) float64 read at ``scale x + shift``, with shifts (lines,) and x counted from n // 2."""
    n = lines.shape[-1]
    position = torch.arange(n, device=lines.device) - n // 2
    # Without Nyquist, which has no partner, and without what would alias.
    kept = (position > -n // 2) & ((scale * position).abs() < n / 2)
    frequency = position[kept].double() / n
    spectra = lines.to(torch.complex128) @ _waves(position.double(), -frequency)
    return (spectra * _waves(shifts.double(), frequency) @ _waves(scale * position.double(), frequency).T).real / n


def _waves(positions: Tensor, frequencies: Tensor) -> Tensor:
    """Return waves (p, k) complex128 for positions (p,) and frequencies (k,)."""
    angle = 2 * torch.pi * positions[:, None] * frequencies
    return torch.polar(torch.ones_like(angle), angle)
