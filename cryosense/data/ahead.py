"""The next portion is read while this one is worked on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Part = TypeVar("Part")
Read = TypeVar("Read")


def read_ahead(read: Callable[[Part], Read], parts: Iterable[Part]) -> Iterator[tuple[Part, Read]]:
    """Yield each part with what ``read`` returns of it, in order; a thread reads the next part meanwhile.

    Two portions are in memory, the one that is worked on and the next. What ``read`` raises is raised when that part's turn
    comes, after all parts before it. The thread ends with the iteration, however that ends.
    """
    with ThreadPoolExecutor(1, "cryosense-reader") as reader:
        before: tuple[Part, Future[Read]] | None = None
        for part in parts:
            after = part, reader.submit(read, part)
            if before is not None:
                yield before[0], before[1].result()
            before = after
        if before is not None:
            yield before[0], before[1].result()
