"""Rows of words without quotes or comments, cut into columns all at once."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

NEWLINE, SPACE, UNDERSCORE, SEMICOLON = b"\n _;"


def columns_of_words(lines: list[bytes], wanted: int) -> tuple[int, list[pa.Array]]:
    """-> how many lines from the first on are rows of ``wanted`` words, and their columns of text, not yet known to be UTF-8.

    A line that begins with an underscore or a semicolon is no row.
    """
    content = np.frombuffer(b"\n".join(lines) + b"\n", np.uint8)
    space = content <= SPACE
    starts = np.flatnonzero(~space & np.concatenate([[True], space[:-1]]))
    ends = np.flatnonzero(space & ~np.concatenate([[True], space[:-1]]))
    breaks = np.flatnonzero(content == NEWLINE)
    first_word = np.concatenate([[0], np.searchsorted(starts, breaks)])
    count = _leading(np.diff(first_word) == wanted)
    mark = content[starts[: count * wanted : wanted]]
    count = _leading((mark != UNDERSCORE) & (mark != SEMICOLON))
    if not count:
        return 0, []
    begin, length = (words[: count * wanted].reshape(count, wanted) for words in (starts, ends - starts))
    return count, [_gathered(content, begin[:, i], length[:, i]) for i in range(wanted)]


def _leading(holds: np.ndarray) -> int:
    """-> how many are true before the first that is not."""
    return len(holds) if holds.all() else int(holds.argmin())


def _gathered(content: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> pa.Array:
    offsets = np.zeros(len(starts) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    taken = content[np.repeat(starts - offsets[:-1], lengths) + np.arange(offsets[-1])]
    return pa.Array.from_buffers(pa.large_string(), len(starts), [None, pa.py_buffer(offsets), pa.py_buffer(taken)])
