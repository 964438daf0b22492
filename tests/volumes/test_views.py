"""Which directions views show, counted against geometry."""

import torch

from cryosense.metrics import half_sphere
from cryosense.volumes.poses import rotation_matrices
from cryosense.volumes.symmetry import point_group
from cryosense.volumes.views import unreached, view_directions

DIRECTIONS = half_sphere(2000)


def test_one_view_shows_one_plane() -> None:
    """Directions within a pixel of the plane at shell k have |z| <= 1 / k, a share 1 / k of the sphere."""
    views = view_directions(rotation_matrices(torch.tensor([[0.0, 0.0, 30.0], [10.0, 180.0, 0.0]])), point_group("C1"))
    torch.testing.assert_close(views.abs(), torch.tensor([[0.0, 0.0, 1.0]] * 2), atol=1e-6, rtol=0)
    for shell in (4, 20):
        missed = unreached(views, DIRECTIONS, shell)
        assert abs(float(missed.double().mean()) - (1 - 1 / shell)) < 0.01
        assert bool((DIRECTIONS[missed][:, 2] > 1 / shell).all())


def test_side_views_show_everything_and_tilts_to_30_degrees_leave_a_cone() -> None:
    turn = torch.linspace(0, 360, 721)[:-1]
    side = torch.stack([turn, torch.full_like(turn, 90.0), torch.zeros_like(turn)], dim=-1)
    assert not bool(unreached(view_directions(rotation_matrices(side), point_group("C1")), DIRECTIONS, 20).any())
    tilts = torch.cartesian_prod(turn[::6], torch.linspace(0, 30, 31), torch.zeros(1))
    # A cone of half-angle 60 degrees about z is never cut: half the sphere, less one pixel's reach, cos(60 - asin(1/20)).
    missed = unreached(view_directions(rotation_matrices(tilts), point_group("C1")), DIRECTIONS, 20)
    assert abs(float(missed.double().mean()) - (1 - 0.543)) < 0.02


def test_symmetry_turns_a_view_to_where_it_counts_as_well() -> None:
    one = rotation_matrices(torch.tensor([[0.0, 90.0, 0.0]]))
    views = view_directions(one, point_group("C3"))
    expected = torch.tensor([[1.0, 0.0, 0.0], [-0.5, 0.75**0.5, 0.0], [-0.5, -(0.75**0.5), 0.0]])
    torch.testing.assert_close(views, expected, atol=1e-6, rtol=0)
