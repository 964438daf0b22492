"""Portions: all there, in order, single-threaded within, and nothing changed for the caller."""

import threading

import pytest
import torch

from cryosense.cpu_tiles import CACHED_FLOATS, in_portions


@pytest.mark.parametrize("count", [1, 7, 40])
def test_portions_come_back_whole_and_in_order(count: int) -> None:
    batch = torch.arange(float(count))[:, None]
    doubled, squares = in_portions(lambda part: (2 * part, part**2), batch, CACHED_FLOATS // 4)
    assert torch.equal(doubled, 2 * batch)
    assert torch.equal(squares, batch**2)


def test_the_callers_threads_and_gradients_are_left_alone(threads: int) -> None:
    seen = []

    def work(part: torch.Tensor) -> tuple[torch.Tensor]:
        seen.append((torch.get_num_threads(), torch.is_grad_enabled(), len(part), threading.current_thread().name))
        return (part,)

    in_portions(work, torch.zeros(9, 1, requires_grad=True), CACHED_FLOATS // 2)
    assert torch.get_num_threads() == threads
    assert torch.is_grad_enabled()
    assert all(within == 1 and not grad and length <= 2 for within, grad, length, _ in seen)
    assert (threading.current_thread().name in {name for *_, name in seen}) == (threads == 1)


def test_errors_reach_the_caller_and_threads_are_restored() -> None:
    before = torch.get_num_threads()

    def work(part: torch.Tensor) -> tuple[torch.Tensor]:
        raise ValueError("a portion failed")

    with pytest.raises(ValueError, match="a portion failed"):
        in_portions(work, torch.zeros(3, 1), 1)
    assert torch.get_num_threads() == before
