"""Batches are a function of their number: each particle once an epoch, the same wherever one begins, shared by processes."""

from itertools import islice

import pytest
import torch

from cryosense.data import ParticleDataError
from cryosense.training.batches import NumberedBatches


def batches(first: int, count: int, rank: int = 0, ranks: int = 1) -> list[tuple[int, list[int]]]:
    endless = NumberedBatches(23, 5, 7, lambda: first, rank, ranks)
    return [(number, rows.tolist()) for number, rows in islice(endless, count)]


def test_an_epoch_holds_no_particle_twice_and_the_next_is_in_another_order() -> None:
    made = batches(0, 8)
    for epoch in (made[:4], made[4:]):
        rows = [row for _, batch in epoch for row in batch]
        assert len(set(rows)) == len(rows) == 20
    assert made[0][1] != made[4][1]


@pytest.mark.parametrize("first", [1, 4, 6])
def test_a_later_start_goes_on_with_the_same_batches(first: int) -> None:
    assert batches(first, 5) == batches(0, first + 5)[first:]


def test_processes_divide_a_batch() -> None:
    whole = [rows for _, rows in islice(NumberedBatches(23, 10, 7, lambda: 0), 4)]
    for i, (first, second) in enumerate(zip(batches(0, 4, 0, 2), batches(0, 4, 1, 2), strict=True)):
        assert first[1] + second[1] == whole[i].tolist()


def test_too_few_particles_are_refused() -> None:
    with pytest.raises(ParticleDataError, match="batch_size=24"):
        NumberedBatches(23, 24, 0, lambda: 0)
    assert torch.is_tensor(next(iter(NumberedBatches(23, 23, 0, lambda: 0)))[1])
