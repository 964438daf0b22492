"""Which particles are taken where only some are asked for."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cryosense.cli.building import spread


@given(st.integers(1, 3000), st.data())
def test_one_of_each_equal_stretch(available: int, data: st.DataObject) -> None:
    wanted = data.draw(st.integers(1, available))
    numbers = spread(available, wanted)
    stretches = torch.arange(wanted) * available // wanted
    assert len(numbers) == wanted
    assert bool((numbers >= stretches).all())
    assert bool((numbers < torch.cat([stretches[1:], torch.tensor([available])])).all())


@pytest.mark.parametrize("period", range(2, 13))
@pytest.mark.parametrize("share", [2, 3, 4, 5, 6, 8, 10, 12, 24])
def test_what_repeats_along_a_stack_is_taken_in_like_parts(period: int, share: int) -> None:
    """Half sets that take turns, tilts of a series: every second particle would be all of one kind."""
    counts = torch.bincount(spread(960 * share, 960) % period, minlength=period)
    assert int(counts.min()) >= 0.6 * 960 / period
    assert int(counts.max()) <= 1.4 * 960 / period
