"""Hierarchical grids of rotations and of shifts: every cell is divided into equal cells of half its width.

Rotations are pairs of a view and an in-plane angle. Views are the cells of HEALPix (Gorski et al. 2005, Astrophys. J. 622,
759) in its nested order, of equal area, four of which make one of the order below; in-plane angles are ``6 * 2^order`` equal
parts of the turn. The product is uniform over SO(3) (Yershova et al. 2010, Int. J. Robot. Res. 29, 801): 4,608 rotations
about 15 degrees apart at order 2, and eight times as many at half the distance with each further order.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from cryosense.volumes.poses import rotation_matrices
from cryosense.volumes.symmetry import point_group

# Of the twelve faces: the ring of the lowest corner, in sides of a face; the longitude of the centre, in eighths of a turn.
_FACE_RING = (2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4)
_FACE_LONGITUDE = (1, 3, 5, 7, 0, 2, 4, 6, 1, 3, 5, 7)
CHILDREN = 8  # of a rotation: four views, two in-plane angles


def spacing_deg(order: int) -> float:
    """Return the degrees between neighbours of the grid, about the same between views and in the plane."""
    return 60 / 2**order


def view_count(order: int) -> int:
    """Return how many views there are."""
    return 12 * 4**order


def turn_count(order: int) -> int:
    """Return how many in-plane angles there are."""
    return 6 * 2**order


def rotation_count(order: int) -> int:
    """Return how many rotations there are."""
    return view_count(order) * turn_count(order)


def views_deg(order: int) -> Tensor:
    """Return rot in [0, 360) and tilt of the centre of each cell, in nested order, (12 * 4^order, 2) float64."""
    sides = 2**order
    cell = torch.arange(view_count(order))
    face, within = cell // sides**2, cell % sides**2
    x, y = (_every_second_bit(within >> first, order) for first in (0, 1))
    ring = torch.tensor(_FACE_RING)[face] * sides - x - y - 1  # counted from the north pole, 1 ... 4 sides - 1
    cap = torch.where(ring < sides, ring, torch.where(ring > 3 * sides, 4 * sides - ring, torch.full_like(ring, sides)))
    polar = 1 - cap.double() ** 2 / (3 * sides**2)
    height = torch.where(ring < sides, polar, torch.where(ring > 3 * sides, -polar, (2 * sides - ring) * 2 / (3.0 * sides)))
    # Cells of every second ring of the belt are shifted by half a cell; the face determines where along the ring.
    along = (torch.tensor(_FACE_LONGITUDE)[face] * cap + x - y) / 2.0
    rot = (90 / cap * along) % 360
    return torch.stack([rot, torch.rad2deg(torch.acos(height))], dim=-1)


def _every_second_bit(numbers: Tensor, bits: int) -> Tensor:
    """Return the numbers formed by bits 0, 2, 4, and so on."""
    return torch.stack([(numbers >> 2 * bit & 1) << bit for bit in range(bits)] or [torch.zeros_like(numbers)]).sum(0)


def rotations(order: int, view: Tensor, turn: Tensor) -> Tensor:
    """Return image-to-map rotations, (..., 3, 3) float64, at the centres of cells (...) and in-plane parts (...)."""
    rot, tilt = views_deg(order).to(view.device)[view].unbind(-1)
    # Euler angles turn the image with rot, by the cosine of the tilt, most at the poles. That is undone, counted from the
    # middle of the face, so that neighbours orient the image alike and a cell's children lie within it.
    middle = 45.0 * torch.tensor(_FACE_LONGITUDE, device=view.device)[view // 4**order]
    off = (rot - middle + 180) % 360 - 180
    psi = (turn.double() + 0.5) * 360 / turn_count(order) - off * torch.cos(torch.deg2rad(tilt))
    return rotation_matrices(torch.stack([rot, tilt, psi], dim=-1))


def all_rotations(order: int, symmetry: str) -> tuple[Tensor, Tensor]:
    """Return views (r,) and in-plane parts (r,) from which operations of the group make every rotation of a grid.

    Of the views that the operations carry into each other, those in one sector about z are taken, for Dn in its upper half,
    with a margin of one cell.
    """
    rot, tilt = views_deg(order).unbind(-1)
    folds = int(symmetry[1:])
    margin = spacing_deg(order) if len(point_group(symmetry)) > 1 else 0.0
    near_pole = torch.minimum(tilt, 180 - tilt) < margin
    kept = (rot < 360 / folds + margin) | near_pole
    if symmetry[0] in "Dd":
        kept &= tilt <= 90 + margin
    views, turns = kept.nonzero()[:, 0], torch.arange(turn_count(order))
    return views.repeat_interleave(len(turns)), turns.repeat(len(views))


def children(view: Tensor, turn: Tensor) -> tuple[Tensor, Tensor]:
    """Return the cells of the next order that make up each cell, (..., 8), (..., 8)."""
    views = 4 * view[..., None, None] + torch.arange(4, device=view.device)[:, None]
    turns = 2 * turn[..., None, None] + torch.arange(2, device=view.device)
    views, turns = torch.broadcast_tensors(views, turns)
    return views.flatten(-2), turns.flatten(-2)


def shift_grid(radius: float, step: float) -> Tensor:
    """Return x, y of points of a square grid around 0, ``step`` apart, at most ``radius`` away, (t, 2) float64."""
    reach = math.floor(radius / step + 1e-9)
    axis = torch.arange(-reach, reach + 1, dtype=torch.float64) * step
    points = torch.cartesian_prod(axis, axis)
    return points[points.norm(dim=-1) <= radius + 1e-9]


def shift_children(step: float) -> Tensor:
    """Return x, y of a point and its eight neighbours ``step`` apart, (9, 2) float64."""
    axis = torch.tensor([-step, 0.0, step], dtype=torch.float64)
    return torch.cartesian_prod(axis, axis)
