"""The word that was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that is most similar, as a whole or by its last part; None if none is."""
    names = list(known)
    same = [name for name in names if name.casefold() == word.casefold()]
    close = same or difflib.get_close_matches(word, names, 1, 0.75)
    if close:
        return close[0]
    last = {name.rpartition(".")[2]: name for name in reversed(names)}
    ends = difflib.get_close_matches(word.rpartition(".")[2], last, 1, 0.75)
    return last[ends[0]] if ends else None
