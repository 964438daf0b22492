"""A batch in portions that fit a core's cache, as many at a time as there are cores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor

CACHED_FLOATS = 2**17  # in one work array, 512 KiB: larger ones do not fit a core's cache and cost several times more

Work = Callable[[Tensor], tuple[Tensor, ...]]
Part = TypeVar("Part", Tensor, slice)


def in_portions(work: Work, batch: Tensor, floats_per_item: int) -> tuple[Tensor, ...]:
    """Return the tensors (b, ...) that ``work`` makes from a batch (b, ...), computed portion by portion.

    On the CPU each portion is done by one thread, ``torch.get_num_threads()`` portions at a time: threads that share single
    operations of this size wait for each other longer than they work, above all on a busy machine.
    """
    if batch.device.type != "cpu":
        return work(batch)
    threads = torch.get_num_threads()
    return _worked_on(work, batch.split(_size(len(batch), floats_per_item, threads)), threads)


def in_slices(work: Callable[[slice], tuple[Tensor, ...]], images: Tensor) -> tuple[Tensor, ...]:
    """Return the tensors (b, ...) that ``work`` makes of slices of images (b, ...): portions, of which nothing is copied."""
    count, threads = len(images), torch.get_num_threads()
    if images.device.type != "cpu":
        return work(slice(count))
    size = _size(count, images[0].numel(), threads)
    return _worked_on(work, [slice(first, min(first + size, count)) for first in range(0, count, size)], threads)


def _size(count: int, floats_per_item: int, threads: int) -> int:
    """Return how many of ``count`` items go into a portion."""
    return max(1, min(CACHED_FLOATS // floats_per_item, -(-count // threads)))


def in_equal_portions(work: Work, batch: Tensor, size: int) -> tuple[Tensor, ...]:
    """Work as ``in_portions`` does, in portions of exactly ``size``, the last padded with zeros.

    For work whose rounding depends on how many items come together, such as convolutions: here it never does.
    """
    if batch.device.type != "cpu":
        return work(batch)
    missing = -len(batch) % size
    filled = torch.cat([batch, batch.new_zeros(missing, *batch.shape[1:])]) if missing else batch
    made = _worked_on(work, filled.split(size), torch.get_num_threads())
    return tuple(tensor[: len(batch)] for tensor in made)


def _worked_on(work: Callable[[Part], tuple[Tensor, ...]], portions: Sequence[Part], threads: int) -> tuple[Tensor, ...]:
    work = torch.no_grad()(work)
    if threads == 1:  # in this thread, which may be one of those below: portions within a portion
        parts = [work(portion) for portion in portions]
    else:
        with _single_threaded_workers(threads) as pool:
            parts = list(pool.map(work, portions))
    return tuple(torch.cat(tensors) for tensors in zip(*parts, strict=True))


@contextmanager
def _single_threaded_workers(count: int) -> Iterator[ThreadPoolExecutor]:
    """Yield threads in which torch's operations use one thread each; the caller's number of threads is restored afterwards."""
    try:
        with ThreadPoolExecutor(count, initializer=partial(torch.set_num_threads, 1)) as pool:
            yield pool
    finally:
        torch.set_num_threads(count)  # the matrix library's number of threads is global
