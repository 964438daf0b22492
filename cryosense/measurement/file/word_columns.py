"""Columns of words in few bytes, every word as it was written: as numbers where a number restores the word.

A column is stored in the form that is shortest on its first rows, of those that restore all of its words:

- ``words``: a list of words, and which of them each row has;
- ``decimal``: digits as one whole number, and how many of them are behind the point;
- ``padded``: digits of one width, with leading zeros;
- ``single``, ``double``: numbers that Python writes so;
- ``rounded``: numbers of single precision, to so many decimals;
- ``joined``: what is before and behind the first of a character, each a column of words;
- ``text``: the words themselves, as JSON.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cryosense.errors import CodingError
from cryosense.measurement.file.whole_numbers import SAMPLE_ROWS, encode_whole

JOINTS = ("@", "e")
DECIMAL, NEGATIVE_ZERO = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$", r"^-0(\.0+)?$"
MOST_DIGITS = 18
KINDS = {"single": ("<f4", "<i4"), "double": ("<f8", "<i8")}
MOST_WORDS_SHARE = 0.5  # of the rows, that may differ
EARLIER_COLUMNS = 3
NEXT_TO_NOTHING = 24  # bytes of a sample, at which no other form is tried
FIRST_WORDS = 8

Encoded = tuple[dict[str, Any], list[bytes], int]  # the form, its bytes, and the cost of a sample
Form = Callable[[pa.Array, "Earlier"], Encoded | None]


@dataclass
class Earlier:
    """Whole numbers that were stored before, in order: a column may be stored as the difference from one of them."""

    columns: list[np.ndarray] = field(default_factory=list)

    def last(self) -> dict[int, np.ndarray]:
        """Return the last few, by number."""
        count = len(self.columns)
        return {i: self.columns[i] for i in range(max(0, count - EARLIER_COLUMNS), count)}


def encode_words(words: pa.Array, earlier: Earlier, depth: int = 0) -> tuple[dict[str, Any], list[bytes]]:
    """Return the form and the bytes of words (n,), none missing; ``earlier`` takes the whole numbers among them."""
    joined = [partial(_joined, by=by) for by in JOINTS] if depth == 0 else []
    forms: list[Form] = [
        _distinct,
        _decimal,
        _padded,
        *(partial(_repr, name=name) for name in KINDS),
        _rounded,
        *joined,
        _text,
    ]
    if len(words) == 0:
        forms = [_text]
    sample, tried = words.slice(0, SAMPLE_ROWS), []
    for form in forms:
        known = Earlier(list(earlier.columns))
        made = form(sample, known)
        if made is not None:
            tried.append((made, known, form))
            if made[2] <= NEXT_TO_NOTHING:
                break
    for made, known, form in sorted(tried, key=lambda each: each[0][2]):
        whole: Encoded | None = made
        if len(words) > len(sample):
            known = Earlier(list(earlier.columns))
            whole = form(words, known)
        if whole is not None:
            earlier.columns[:] = known.columns
            return whole[0], whole[1]
    raise CodingError("words that no form takes")  # the last takes all


def _whole(values: np.ndarray, earlier: Earlier) -> Encoded:
    form, content, cost = encode_whole(values, {i: v for i, v in earlier.last().items() if len(v) >= len(values)})
    earlier.columns.append(values)
    return form, [content], cost


def _distinct(words: pa.Array, earlier: Earlier) -> Encoded | None:
    coded = words.dictionary_encode()
    known = coded.dictionary.to_pylist()
    if len(known) > max(1, MOST_WORDS_SHARE * len(words)):
        return None
    text = json.dumps(known, ensure_ascii=False, separators=(",", ":")).encode()
    form, content, cost = _whole(coded.indices.to_numpy().astype(np.int64), earlier)
    return {"form": "words", "bytes": len(text), "which": form}, [text, *content], cost + len(zlib.compress(text, 6))


def _decimal(words: pa.Array, earlier: Earlier) -> Encoded | None:
    if not _all(words, DECIMAL) or _any(words, NEGATIVE_ZERO):
        return None
    digits = pc.replace_substring(words, pattern=".", replacement="")
    if pc.max(pc.binary_length(digits)).as_py() > MOST_DIGITS:
        return None
    point = pc.find_substring(words, pattern=".").to_numpy(zero_copy_only=False).astype(np.int64)
    length = pc.binary_length(words).to_numpy(zero_copy_only=False).astype(np.int64)
    decimals = np.where(point < 0, 0, length - point - 1)
    values = digits.cast(pa.int64()).to_numpy()
    form, content, cost = _whole(values, earlier)
    if (decimals == decimals[0]).all():
        return {"form": "decimal", "digits": form, "decimals": int(decimals[0])}, content, cost
    behind, more, its_cost = _whole(decimals, earlier)
    return {"form": "decimal", "digits": form, "behind": behind}, [*content, *more], cost + its_cost


def _padded(words: pa.Array, earlier: Earlier) -> Encoded | None:
    width = int(pc.binary_length(words)[0].as_py())
    if not 2 <= width <= MOST_DIGITS or not _all(words, rf"^[0-9]{{{width}}}$"):
        return None
    form, content, cost = _whole(words.cast(pa.int64()).to_numpy(), earlier)
    return {"form": "padded", "digits": form, "width": width}, content, cost


def _repr(words: pa.Array, earlier: Earlier, name: str) -> Encoded | None:
    if len(words) > FIRST_WORDS and _repr(words.slice(0, FIRST_WORDS), Earlier(), name) is None:
        return None
    try:
        values = words.cast(pa.float64()).to_numpy()
    except pa.ArrowInvalid:
        return None
    number, whole = KINDS[name]
    with np.errstate(over="ignore"):
        kept = values.astype(number)
    if [repr(value) for value in kept.astype(np.float64).tolist()] != words.to_pylist():
        return None
    form, content, cost = _whole(kept.view(whole).astype(np.int64), earlier)
    return {"form": name, "bits": form}, content, cost


def _rounded(words: pa.Array, earlier: Earlier) -> Encoded | None:
    if len(words) > FIRST_WORDS and _rounded(words.slice(0, FIRST_WORDS), Earlier()) is None:
        return None
    if not _all(words, DECIMAL):
        return None
    every = words.to_pylist()
    behind = {len(word.partition(".")[2]) for word in every}
    decimals, shortest = max(behind), len(behind) > 1
    if not 1 <= decimals <= MOST_DIGITS:
        return None
    with np.errstate(over="ignore"):
        kept = words.cast(pa.float64()).to_numpy().astype("<f4")
    if rounded_words(kept.astype(np.float64), decimals, shortest) != every:
        return None
    form, content, cost = _whole(kept.view("<i4").astype(np.int64), earlier)
    return {"form": "rounded", "bits": form, "decimals": decimals, **({"shortest": True} if shortest else {})}, content, cost


def rounded_words(values: np.ndarray, decimals: int, shortest: bool) -> list[str]:
    """Return numbers (rows,) to so many decimals; ``shortest``: as Python writes those that need no more of them."""
    made = []
    for value in values.tolist():
        short = repr(value)
        enough = shortest and "e" not in short and len(short.partition(".")[2]) <= decimals
        made.append(short if enough else f"{value:.{decimals}f}")
    return made


def _joined(words: pa.Array, earlier: Earlier, by: str) -> Encoded | None:
    at = pc.find_substring(words, pattern=by).to_numpy(zero_copy_only=False)
    if (at < 1).any():
        return None
    cut = pc.extract_regex(words, rf"(?s)^(?P<before>[^{by}]*){by}(?P<behind>.*)$")
    forms, contents = [], []
    for name in ("before", "behind"):
        form, content = encode_words(pc.struct_field(cut, name), earlier, depth=1)
        forms.append(form)
        contents += content
    return {"form": "joined", "by": by, "parts": forms}, contents, sum(len(zlib.compress(each, 6)) for each in contents)


def _text(words: pa.Array, earlier: Earlier) -> Encoded:
    del earlier
    text = json.dumps(words.to_pylist(), ensure_ascii=False, separators=(",", ":")).encode()
    return {"form": "text", "bytes": len(text)}, [text], len(zlib.compress(text, 6))


def _all(words: pa.Array, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(words, pattern)).as_py())


def _any(words: pa.Array, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(words, pattern)).as_py())
