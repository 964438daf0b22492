"""Columns of words from the bytes that ``word_columns`` makes of them; claims are checked before memory is taken."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cryosense.errors import CodingError
from cryosense.measurement.file.whole_numbers import decode_whole, is_whole, whole_bytes
from cryosense.measurement.file.word_columns import JOINTS, KINDS, MOST_DIGITS, rounded_words

LARGE = pa.large_string()
NUMBER_BYTES = 24  # at most, of a number as a word
LONGEST_ROUNDED = 60  # the same, of one with many digits before the point, and behind it


@dataclass
class Stream:
    """Bytes from which columns are read, one after the other.

    Attributes:
        room: bytes that words may still take.
        known: whole numbers that were read, in order.
    """

    content: bytes
    at: int
    room: int
    known: list[np.ndarray] = field(default_factory=list)

    def take(self, size: Any) -> bytes:
        """Return the next bytes. Raises CodingError if there are fewer."""
        if not is_whole(size, 0, len(self.content) - self.at):
            raise CodingError(f"a column of {str(size)[:20]} bytes where {len(self.content) - self.at} are left")
        self.at += size
        return self.content[self.at - size : self.at]

    def whole(self, form: Any, rows: int) -> np.ndarray:
        """Return the next whole numbers, (rows,) int64."""
        form = _mapping(form)
        values = decode_whole(form, self.take(whole_bytes(form, rows)), rows, self.known)
        self.known.append(values)
        return values

    def claim(self, size: int) -> None:
        """Raise CodingError if words would take more memory than particles can need."""
        self.room -= size
        if self.room < 0:
            raise CodingError("words that take more memory than its particles can need")


def decode_words(form: Any, stream: Stream, rows: int, depth: int = 0) -> pa.Array:
    """Return the words, (rows,), as ``encode_words`` was given them. Raises CodingError for what it never writes."""
    form = _mapping(form)
    kind = form.get("form")
    if kind == "words":
        words = _strings(stream.take(form.get("bytes")))
        which = stream.whole(form.get("which"), rows)
        if rows and (which.min() < 0 or which.max() >= len(words)):
            raise CodingError("a word beyond the last")
        stream.claim(int(pc.binary_length(words).to_numpy(zero_copy_only=False).astype(np.int64)[which].sum()))
        return words.take(pa.array(which))
    if kind == "text":
        words = _strings(stream.take(form.get("bytes")))
        if len(words) != rows:
            raise CodingError(f"{len(words)} words for {rows} rows")
        return words
    if kind == "joined" and depth == 0 and form.get("by") in JOINTS and isinstance(form.get("parts"), list):
        parts = [decode_words(part, stream, rows, 1) for part in form["parts"][:2]]
        if len(parts) != 2:
            raise CodingError("words joined of one part")
        stream.claim(sum(int(pc.sum(pc.binary_length(part)).as_py() or 0) for part in parts))
        return pc.binary_join_element_wise(*parts, pa.scalar(form["by"], LARGE))
    stream.claim(NUMBER_BYTES * rows)
    if kind in KINDS:
        return _reprs(_floats(str(kind), stream.whole(form.get("bits"), rows)))
    if kind == "rounded" and is_whole(form.get("decimals"), 1, MOST_DIGITS):
        stream.claim(LONGEST_ROUNDED * rows)
        values = _floats("single", stream.whole(form.get("bits"), rows))
        return pa.array(rounded_words(values, form["decimals"], form.get("shortest") is True), LARGE)
    digits = stream.whole(form.get("digits"), rows) if kind in ("decimal", "padded") else np.zeros(0, np.int64)
    if kind == "padded" and is_whole(form.get("width"), 2, MOST_DIGITS):
        return pc.utf8_lpad(pa.array(digits).cast(LARGE), form["width"], "0")
    if kind == "decimal":
        return _decimals(digits, _behind(form, stream, rows))
    raise CodingError(f"words of an unknown form {str(kind)[:20]}")


def _behind(form: Mapping[str, Any], stream: Stream, rows: int) -> np.ndarray:
    """Return how many digits are behind the point, (rows,)."""
    behind = stream.whole(form["behind"], rows) if "behind" in form else np.full(rows, 0)
    given = form.get("decimals", 0)
    if not is_whole(given, 0, MOST_DIGITS) or (rows and (behind.min() < 0 or behind.max() > MOST_DIGITS)):
        raise CodingError("numbers of too many digits")
    return behind + given if "behind" not in form else behind


def _decimals(digits: np.ndarray, behind: np.ndarray) -> pa.Array:
    """Return numbers as they are written, from their digits and how many of these are behind the point."""
    places, pieces = [], []
    for count in np.unique(behind):
        rows = np.flatnonzero(behind == count)
        pieces.append(_point_set(digits[rows], int(count)))
        places.append(rows)
    if not pieces:
        return pa.array([], LARGE)
    order = np.argsort(np.concatenate(places), kind="stable")
    return pa.concat_arrays(pieces).take(pa.array(order))


def _point_set(digits: np.ndarray, count: int) -> pa.Array:
    text = pa.array(digits).cast(LARGE)
    if count == 0:
        return text
    empty, point = pa.scalar("", LARGE), pa.scalar(".", LARGE)
    sign = pc.if_else(pa.array(digits < 0), pa.scalar("-", LARGE), empty)
    padded = pc.utf8_lpad(pc.utf8_ltrim(text, characters="-"), count + 1, "0")
    front, back = pc.utf8_slice_codeunits(padded, 0, -count), pc.utf8_slice_codeunits(padded, -count)
    return pc.binary_join_element_wise(sign, pc.binary_join_element_wise(front, back, point), empty)


def _floats(name: str, bits: np.ndarray) -> np.ndarray:
    """Return the floats, (rows,) float64, of so many bits."""
    number, whole = KINDS[name]
    kept = bits.astype(whole)
    if not np.array_equal(kept.astype(np.int64), bits):
        raise CodingError(f"numbers that are no {name} floats")
    with np.errstate(invalid="ignore"):
        values: np.ndarray = kept.view(number).astype(np.float64)
    return values


def _reprs(values: np.ndarray) -> pa.Array:
    return pa.array([repr(value) for value in values.tolist()], LARGE)


def _strings(content: bytes) -> pa.Array:
    words = json.loads(content)
    if not isinstance(words, list) or any(not isinstance(word, str) for word in words):
        raise CodingError("a list of words is expected")
    return pa.array(words, LARGE)


def _mapping(content: Any) -> Mapping[str, Any]:
    if not isinstance(content, dict):
        raise CodingError(f"a form is expected, not {str(content)[:40]}")
    return content
