"""Grids of rotations and shifts: equal, even, nested; one sector is enough where there is symmetry."""

import pytest
import torch

from cryosense.alignment import angles_between_deg, grids
from cryosense.volumes.poses import quaternion_rotations
from cryosense.volumes.symmetry import point_group


def directions(order: int) -> torch.Tensor:
    rot, tilt = torch.deg2rad(grids.views_deg(order)).unbind(-1)
    return torch.stack([tilt.sin() * rot.cos(), tilt.sin() * rot.sin(), tilt.cos()], dim=-1)


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_views_are_as_many_and_as_even_as_those_of_healpix(order: int) -> None:
    views = directions(order)
    assert len(views) == 12 * 4**order
    torch.testing.assert_close(views.mean(0), torch.zeros(3, dtype=torch.float64), atol=1e-6, rtol=0)
    closest = (views @ views.T).fill_diagonal_(-1).amax(1).clamp(max=1).acos().rad2deg()
    side = 60 / 2**order  # of a cell, about 58.6 / 2^order were it a square
    assert 0.8 * side < float(closest.min()) <= float(closest.max()) < 1.02 * side


def test_rings_of_healpix_are_where_the_paper_puts_them() -> None:
    height = directions(1)[:, 2]  # z = 1 - i^2 / 12 in the cap, 4/3 - 2 i / 6 in the belt (Gorski et al. 2005, eq. 4 and 8)
    rings, counts = height.mul(1e6).round().div(1e6).unique(return_counts=True)
    expected = torch.tensor([-11 / 12, -2 / 3, -1 / 3, 0, 1 / 3, 2 / 3, 11 / 12], dtype=torch.float64)
    torch.testing.assert_close(rings, expected, atol=1e-5, rtol=0)
    assert counts.tolist() == [4, 8, 8, 8, 8, 8, 4]


@pytest.mark.parametrize("order", [1, 2])
def test_children_lie_around_their_parent(order: int) -> None:
    view, turn = grids.all_rotations(order, "C1")
    finer = grids.children(view, turn)
    assert len(torch.unique(finer[0] * grids.turn_count(order + 1) + finer[1])) == grids.rotation_count(order + 1)
    parents = grids.rotations(order, view, turn)[:, None]
    angles = angles_between_deg(parents, grids.rotations(order + 1, *finer), torch.eye(3)[None])
    assert float(angles.max()) < 0.75 * grids.spacing_deg(order)


@pytest.mark.parametrize("symmetry", ["C1", "C4", "D3"])
def test_no_rotation_is_far_from_the_grid(symmetry: str) -> None:
    operations = point_group(symmetry)
    view, turn = grids.all_rotations(2, symmetry)
    random = quaternion_rotations(torch.randn(300, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64))
    angles = angles_between_deg(random[:, None], grids.rotations(2, view, turn), operations)
    assert float(angles.amin(1).max()) < 0.95 * grids.spacing_deg(2)
    assert len(view) < 1.7 * grids.rotation_count(2) / len(operations)


def test_shifts_fill_a_circle_and_their_children_its_cells() -> None:
    points = grids.shift_grid(5.0, 2.0)
    assert len(points) == 21
    assert float(points.norm(dim=-1).max()) <= 5
    assert sorted(grids.shift_children(1.0).tolist()) == [[x, y] for x in (-1.0, 0.0, 1.0) for y in (-1.0, 0.0, 1.0)]
