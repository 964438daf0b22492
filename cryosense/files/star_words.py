"""Rows of words without quotes or comments, split into columns all at once."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

NEWLINE, SPACE, UNDERSCORE, SEMICOLON = b"\n _;"


def columns_of_words(lines: list[bytes], wanted: int) -> tuple[int, list[pa.Array]]:
    """Return how many lines, from the first on, are rows of ``wanted`` words or empty, and the rows' columns of text.

    A line that begins with an underscore or a semicolon is not a row. The columns are not yet known to be UTF-8.
    """
    content = np.frombuffer(b"\n".join(lines) + b"\n", np.uint8)
    space = content <= SPACE
    starts = np.flatnonzero(~space & np.concatenate([[True], space[:-1]]))
    ends = np.flatnonzero(space & ~np.concatenate([[True], space[:-1]]))
    first_word = np.concatenate([[0], np.searchsorted(starts, np.flatnonzero(content == NEWLINE))])
    words = np.diff(first_word)
    mark = np.append(content[starts], SPACE)[first_word[:-1]]  # without words: another line's mark, never used
    marked = (words > 0) & ((mark == UNDERSCORE) | (mark == SEMICOLON))
    taken = _leading(((words == wanted) | (words == 0)) & ~marked)
    count = int(first_word[taken]) // wanted
    if not count:
        return taken, []
    begin, length = (each[: count * wanted].reshape(count, wanted) for each in (starts, ends - starts))
    return taken, [_gathered(content, begin[:, i], length[:, i]) for i in range(wanted)]


def _leading(holds: np.ndarray) -> int:
    """Return how many values are true before the first that is not."""
    return len(holds) if holds.all() else int(holds.argmin())


def _gathered(content: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> pa.Array:
    offsets = np.zeros(len(starts) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    taken = content[np.repeat(starts - offsets[:-1], lengths) + np.arange(offsets[-1])]
    return pa.Array.from_buffers(pa.large_string(), len(starts), [None, pa.py_buffer(offsets), pa.py_buffer(taken)])
