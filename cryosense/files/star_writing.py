"""STAR files from tables: text as it is, in quotes where it needs them, numbers with all their digits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import pandas as pd

from cryosense.errors import ParticleDataError

PORTION_ROWS = 50_000
_PLAIN = re.compile(r"(?!data_|loop_|save_|stop_|global_)[!$-&(-:<-^`-~\u00a1-\U0010ffff][!-~\u00a1-\U0010ffff]*")
_UNWRITABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def star_text(tables: Mapping[str, pd.DataFrame], pairs: frozenset[str] = frozenset()) -> Iterator[str]:
    """Yield the text of blocks by name, in portions; those named in ``pairs``, with one row, without a loop.

    Raises:
        ParticleDataError: a value that cannot be quoted as a single word.
    """
    for name, table in tables.items():
        yield f"\n# version 30001\n\ndata_{name}\n\n"
        labels = [f"_{label}" for label in table.columns]
        if name in pairs:
            yield "".join(f"{label} {words(table[label[1:]])[0]}\n" for label in labels)
            continue
        if labels:
            yield "loop_\n" + "".join(f"{label} #{i + 1}\n" for i, label in enumerate(labels))
        for start in range(0, len(table) if labels else 0, PORTION_ROWS):
            portion = table.iloc[start : start + PORTION_ROWS]
            columns = [words(portion.iloc[:, i]) for i in range(len(labels))]
            yield "".join("\t".join(row) + "\n" for row in zip(*columns, strict=True))
    yield "\n"


def words(column: pd.Series) -> list[str]:
    """Return the values as words, (n,): numbers as Python writes them, missing ones as nan."""
    if pd.api.types.is_bool_dtype(column):
        return [str(int(value)) for value in column]
    if pd.api.types.is_numeric_dtype(column):
        return [str(value) for value in column.tolist()]
    texts = ["nan" if missing else str(value) for value, missing in zip(column.tolist(), column.isna().tolist(), strict=True)]
    known = {text: _word(text) for text in dict.fromkeys(texts)}  # most columns hold few that differ
    return [known[text] for text in texts]


def _word(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text
    if not _UNWRITABLE.search(text):
        for quote in "\"'":
            if not re.search(rf"{quote}\s", text):
                return f"{quote}{text}{quote}"
    raise ParticleDataError(f"{text!r} cannot be written to a STAR file: it cannot be quoted as one word")
