"""Resolution by direction, and the warning where views leave directions out."""

import pytest
import torch

from cryosense.tasks.maps.anisotropy import Cones
from tests.tasks.balls import PIXEL, reconstruction


def test_even_views_of_a_ball_are_isotropic() -> None:
    made = reconstruction()
    found = Cones(40, 30.0).assess(*made.halves, made.views, 8.0, PIXEL)
    assert found.warning() is None
    assert found.judged_at_angstrom == pytest.approx(8.0)  # shell 6 of 16 px of 3 A
    assert found.table["resolution_angstrom"].max() < 9.0
    columns = found.columns()
    assert bool((columns["cone_minimum"] <= columns["cone_median"]).all())
    assert bool((columns["cone_median"] <= columns["cone_maximum"]).all())


def test_one_view_is_warned_of_in_one_line() -> None:
    made = reconstruction()
    one_view = torch.tensor([[0.0, 0.0, 1.0]])
    found = Cones(200, 30.0).assess(*made.halves, one_view, 8.0, PIXEL)
    assert found.unreached_share == pytest.approx(1 - 1 / 6, abs=0.02)
    warning = found.warning()
    assert warning is not None
    assert warning.startswith("no particle shows 84% of the map's Fourier space at 8 Å")
    assert "\n" not in warning
    unresolved = Cones(200, 30.0).assess(*made.halves, one_view, float("inf"), PIXEL)
    assert unresolved.judged_at_angstrom == 2 * PIXEL
    assert (found.table.query("not reached")["z"] > 1 / 6).all()


def test_impossible_cones_are_named() -> None:
    with pytest.raises(ValueError, match=r"directions=0"):
        Cones(0, 20.0)
