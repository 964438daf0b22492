"""Whole numbers in few bytes: as they are, as steps from row to row, or less another column's, byte by byte."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cryosense.errors import CodingError

SAMPLE_ROWS = 1024  # of which the shortest form is sought
FEWEST_SAVED = 0.98  # of the bytes: what is not shorter by more is not taken
MOST_WIDTH = 8


def encode_whole(values: np.ndarray, others: Mapping[int, np.ndarray]) -> tuple[dict[str, Any], bytes, int]:
    """Return how numbers (n,) int64 are stored, their bytes, and the cost of a sample.

    ``others`` are earlier columns with as many rows, by number. All arithmetic is modulo 2^64.
    """
    forms = [(steps, minus) for minus in (None, *others) for steps in (False, True)]
    costs = [_cost(_residual(values[:SAMPLE_ROWS], steps, minus, others)) for steps, minus in forms]
    best = 0
    for i, cost in enumerate(costs):
        best = i if cost < FEWEST_SAVED * costs[best] else best
    steps, minus = forms[best]
    least, planes, width = _planes(_residual(values, steps, minus, others))
    form = {key: value for key, value in {"width": width, "least": least, "steps": steps}.items() if value}
    return form if minus is None else {**form, "minus": minus}, planes, costs[best]


def decode_whole(form: Mapping[str, Any], content: bytes, rows: int, others: Sequence[np.ndarray]) -> np.ndarray:
    """Return the numbers, (rows,) int64, that ``encode_whole`` stored. Raises CodingError for other bytes or another form."""
    width, least, minus = form.get("width", 0), form.get("least", 0), form.get("minus")
    if not (is_whole(width, 0, MOST_WIDTH) and is_whole(least, -(2**63), 2**63 - 1) and len(content) == rows * width):
        raise CodingError(f"{len(content)} bytes for {rows} whole numbers of {str(width)[:20]} bytes")
    padded = np.zeros((rows, MOST_WIDTH), np.uint8)
    padded[:, :width] = np.frombuffer(content, np.uint8).reshape(width, rows).T
    values = padded.view("<u8")[:, 0].astype(np.uint64) + np.int64(least).astype(np.uint64)
    if form.get("steps"):
        values = np.cumsum(values, dtype=np.uint64)
    if minus is None:
        return values.view(np.int64)
    if not is_whole(minus, 0, len(others) - 1) or len(others[minus]) != rows:
        raise CodingError(f"less a column {str(minus)[:20]} that is not there")
    return (values + others[minus].astype(np.uint64)).view(np.int64)


def whole_bytes(form: Mapping[str, Any], rows: int) -> int:
    """Return the bytes that a form says it takes. Raises CodingError if it says nothing sensible."""
    if not is_whole(form.get("width", 0), 0, MOST_WIDTH):
        raise CodingError("whole numbers of no width")
    return rows * int(form.get("width", 0))


def is_whole(value: Any, least: int, most: int) -> bool:
    """Return whether it is a whole number in this range, and not a truth value."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _residual(values: np.ndarray, steps: bool, minus: int | None, others: Mapping[int, np.ndarray]) -> np.ndarray:
    left = values.astype(np.uint64)
    if minus is not None:
        left = left - others[minus][: len(values)].astype(np.uint64)
    return (np.diff(left, prepend=np.uint64(0)) if steps else left).view(np.int64)


def _planes(residual: np.ndarray) -> tuple[int, bytes, int]:
    """Return the least, the rest byte by byte (the lowest bytes of all rows first), and the bytes of each."""
    least = int(residual.min()) if len(residual) else 0
    rest = residual.astype(np.uint64) - np.int64(least).astype(np.uint64)
    width = (int(rest.max(initial=0)).bit_length() + 7) // 8
    planes = np.ascontiguousarray(rest.astype("<u8").view(np.uint8).reshape(-1, MOST_WIDTH)[:, :width].T)
    return least, planes.tobytes(), width


def _cost(residual: np.ndarray) -> int:
    return len(zlib.compress(_planes(residual)[1], 1))
