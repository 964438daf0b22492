"""Which particles advice looks at: as many as asked for, of both half sets, however these take turns."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cryosense.tasks.advise.sample import spread_over


@pytest.mark.parametrize("period", [2, 3, 4, 10])
def test_half_sets_that_take_turns_are_looked_at_alike(period: int) -> None:
    half_set = (torch.arange(1000) % period < period / 2).long()
    for wanted in (2, 100, 250, 500):
        numbers = spread_over(half_set, wanted)
        share = half_set[numbers].double().mean()
        assert len(numbers) == wanted
        assert float(share) == pytest.approx(float(half_set.double().mean()), abs=1 / wanted)
        assert int(numbers[0]) < 1000 / wanted * 2 + period


@given(st.lists(st.integers(0, 1), min_size=2, max_size=60).filter(lambda each: len(set(each)) == 2), st.data())
def test_every_number_once_in_order_and_of_both_half_sets(halves: list[int], data: st.DataObject) -> None:
    half_set = torch.tensor(halves)
    wanted = data.draw(st.none() | st.integers(2, 2 * len(halves)))
    numbers = spread_over(half_set, wanted)
    assert len(numbers) == (len(halves) if wanted is None else min(wanted, len(halves)))
    assert bool((numbers.diff() > 0).all())
    assert set(half_set[numbers].tolist()) == {0, 1}
