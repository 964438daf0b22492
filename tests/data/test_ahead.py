"""What is read ahead is the same, in the same order, with the same errors, and leaves no thread behind."""

import threading

import pytest

from cryosense.data.ahead import read_ahead
from cryosense.errors import ParticleDataError

PATIENCE_SECONDS = 30


def readers() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name.startswith("cryosense-reader")]


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_every_part_comes_once_and_in_order(count: int) -> None:
    assert list(read_ahead(lambda part: part**2, range(count))) == [(part, part**2) for part in range(count)]
    assert not readers()


def test_the_next_part_is_read_while_one_is_worked_on_and_none_beyond_it() -> None:
    begun = [threading.Event() for _ in range(4)]

    def read(part: int) -> int:
        begun[part].set()
        return part

    portions = read_ahead(read, range(4))
    assert next(portions) == (0, 0)
    assert begun[1].wait(PATIENCE_SECONDS)
    assert not begun[2].is_set()
    assert next(portions) == (1, 1)
    assert begun[2].wait(PATIENCE_SECONDS)
    assert not begun[3].is_set()
    assert [part for part, _ in portions] == [2, 3]


def test_an_error_of_the_reader_comes_as_it_is_after_all_parts_before_it() -> None:
    wrong = ParticleDataError("stack.mrcs: cut short")

    def read(part: int) -> int:
        if part == 2:
            raise wrong
        return part

    portions = read_ahead(read, range(5))
    assert [next(portions), next(portions)] == [(0, 0), (1, 1)]
    with pytest.raises(ParticleDataError) as raised:
        next(portions)
    assert raised.value is wrong
    assert not readers()


def test_who_stops_in_the_middle_leaves_no_thread() -> None:
    def work() -> None:
        for part, _ in read_ahead(lambda part: part, range(5)):
            assert readers()
            if part == 1:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert not readers()
