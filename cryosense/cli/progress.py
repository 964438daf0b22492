"""Bars on the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from tqdm import tqdm


@contextmanager
def progress(total: int, unit: str, desc: str) -> Iterator[Any]:
    """Show a bar that goes away where the work is stopped or refused, so that what is said then stands alone."""
    with tqdm(total=total, unit=unit, desc=desc) as bar:
        try:
            yield bar
        except BaseException:
            bar.leave = False
            raise


def steps_on(bar: Any, label: str) -> Callable[[str, int, int], None]:
    """Return what writes steps before the bar's own first one onto it: in words, and how long they will take together."""
    began: list[float] = []

    def say(words: str, done: int, total: int) -> None:
        if done == 0:
            began[:] = [monotonic()]
        left = f", about {(monotonic() - began[0]) / done * (total - done):.0f} s left" if done else ""
        bar.set_description(f"{label}: {words}{left}")

    return say
