"""Medians of runs taken in turns, each with its own number of torch threads."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch

Work = Callable[[], object]


def seconds(works: Mapping[str, Work], repeats: int, long_seconds: float) -> dict[str, float]:
    """-> median wall time of each, taken in turns, so that all meet the same machine; long works are repeated less often."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            if sum(times[name]) <= long_seconds:
                times[name].append(_timed(work))
    return {name: statistics.median(taken) for name, taken in times.items()}


def with_threads(count: int, work: Work) -> Work:
    """-> the work, done with this many torch threads."""

    def limited() -> None:
        with torch_threads(count):
            work()

    return limited


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Within, torch uses this many threads for an operation."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _timed(work: Work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
