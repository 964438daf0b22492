"""Trellis-coded quantisation: better than scalar quantisers, worse than the bound, white, and coded as the coder does."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.optimize import brentq

from cryosense.errors import CodingError
from cryosense.measurement.coding import EntropyCoder, frequencies
from cryosense.measurement.quantisers.codebook import uniform
from cryosense.measurement.quantisers.trellis import CODES, Machine, trellis


def of_bits(bits: float) -> float:
    """-> eta of the entropy-coded uniform quantiser."""
    step = brentq(lambda step: uniform(step, 12.0, False).entropy_bits - bits, 0.05, 8.0)
    return uniform(float(step), 12.0, False).eta


@pytest.mark.parametrize(("states", "step", "of_the_gap"), [(8, 1.0, 0.45), (64, 1.0, 0.6), (8, 0.4, 0.6), (64, 0.4, 0.75)])
def test_a_trellis_closes_much_of_the_gap_to_the_bound(states: int, step: float, of_the_gap: float) -> None:
    book = trellis(step, states)
    scalar, bound = of_bits(book.entropy_bits), 1 - 4**-book.entropy_bits
    assert scalar + of_the_gap * (bound - scalar) < book.eta < bound


def test_one_bit_leaves_more_than_seven_tenths() -> None:
    book = trellis(1.0, 64)
    assert book.entropy_bits == pytest.approx(1.02, abs=0.01)
    assert book.eta > 0.72


@pytest.mark.parametrize("states", [8, 64])
def test_what_is_stated_holds_for_numbers_not_seen_before(states: int) -> None:
    book, y = trellis(0.8, states), np.random.default_rng(5).standard_normal((50, 4096)).astype(np.float32)
    levels = book.quantise(y)
    decoded = book.values[levels]
    assert (y * decoded).mean() == pytest.approx(1, abs=0.01)
    error = decoded - y
    assert error.std() == pytest.approx(book.added_std, rel=0.01)
    for lag in (1, 2, 3, 7):  # white, and uncorrelated with other numbers; each mean has a deviation of 0.002
        assert abs((error[:, lag:] * error[:, :-lag]).mean()) < 0.01 * error.var()
        assert abs((decoded[:, lag:] * y[:, :-lag]).mean()) < 0.01
    shares = np.concatenate([half / half.sum() for half in np.split(book.probabilities, 2)])[levels]
    assert -np.log2(shares).mean() == pytest.approx(book.entropy_bits, abs=0.01)


def test_weaker_numbers_are_left_no_worse_than_by_a_scalar_quantiser() -> None:
    """At one bit down to 0.7 of the deviation that is expected; further down they vanish."""
    book, y = trellis(1.0, 64), 0.7 * np.random.default_rng(9).standard_normal((20, 4096)).astype(np.float32)
    step = brentq(lambda step: uniform(step, 12.0, False).entropy_bits - book.entropy_bits, 0.05, 8.0)
    scalar = uniform(float(step), 12.0, False)
    trellised, single = (each.values[each.quantise(y).astype(int)] for each in (book, scalar))
    assert np.corrcoef(y.ravel(), trellised.ravel())[0, 1] > np.corrcoef(y.ravel(), single.ravel())[0, 1] - 0.01


def test_other_signs_change_no_other_number() -> None:
    book, y = trellis(0.8, 8), np.random.default_rng(6).standard_normal((1, 2000)).astype(np.float32)
    turned = y * np.where(np.arange(2000) % 3 == 1, -1, 1).astype(np.float32)
    one, other = book.values[book.quantise(y)], book.values[book.quantise(turned)]
    np.testing.assert_allclose(other * np.sign(turned) * np.sign(y), one, atol=1e-6)


@pytest.mark.parametrize("states", CODES)
def test_a_machine_goes_everywhere_from_everywhere(states: int) -> None:
    machine = Machine.of(states)
    for state in range(states):
        for side in (0, 1):
            came, kind = machine.before[state, side], machine.branches[state, side]
            assert machine.after[came, kind % 2] == state
            assert kind // 2 == came % 2
    reached = {0}
    for _ in range(states.bit_length() - 1):
        reached = {int(each) for state in reached for each in machine.after[state]}
    assert len(reached) == states


def test_equal_models_give_the_bytes_of_the_plain_coder() -> None:
    """The loops that are compiled here do what ``constriction`` does, with other segments before and behind."""
    random, table = np.random.default_rng(7), frequencies(np.array([1.0, 3, 9, 3, 1]))
    levels = [random.integers(0, 5, m).astype(np.int32) for m in (0, 7, 300, 11)]
    plain = EntropyCoder([table] * 4)
    after = Machine.of(8).after
    turns, state = np.zeros(300, np.int32), 0
    for i, level in enumerate(levels[2]):
        turns[i], state = state % 2, int(after[state, level % 2])
    mixed = EntropyCoder([table, table, np.tile(table, 2), table], [None, None, after, None])
    content = mixed.encode([levels[0], levels[1], levels[2] + 5 * turns, levels[3]])
    assert content == plain.encode(levels)
    back = mixed.decode(content, [0, 7, 300, 11])
    assert np.array_equal(back[2], levels[2] + 5 * turns)
    assert np.array_equal(back[3], levels[3])


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "no end": lambda content: content[:-4],
    "no beginning": lambda content: content[4:],
    "half a word": lambda content: content[:-1],
    "more": lambda content: content + content[:4],
}


@pytest.mark.parametrize("name", CHANGES)
def test_other_bytes_are_refused(name: str) -> None:
    book = trellis(1.0, 8)
    counts = np.concatenate([frequencies(half) for half in np.split(book.probabilities, 2)])
    coder = EntropyCoder([counts], [book.machine.after])
    content = coder.encode([book.quantise(np.random.default_rng(8).standard_normal((1, 500)))[0]])
    with pytest.raises(CodingError):
        coder.decode(CHANGES[name](content), [500])


def test_models_that_do_not_add_up_are_refused() -> None:
    table = frequencies(np.ones(10))  # as one model, and not as two
    with pytest.raises(CodingError, match="add up"):
        EntropyCoder([table], [Machine.of(8).after])
