"""Particle tables in few bytes, with every word and value preserved: columns as words (``word_columns``), through xz."""

from __future__ import annotations

import json
import lzma
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from cryosense.errors import CodingError
from cryosense.files.star_text import TEXT
from cryosense.measurement.file.word_columns import Earlier, encode_words
from cryosense.measurement.file.words_back import Stream, decode_words

MOST_COLUMNS = 1000
BYTES_PER_CELL = 4096  # at most, on average: a table that claims more is not unpacked
TEXTS: dict[str, Any] = {"words": TEXT, "str": pd.StringDtype(na_value=np.nan), "object": np.dtype(object)}
NUMBERS = ("bool", *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)), "float32", "float64")
# Bytes of numbers have little to do with the ones before.
FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 6, "lc": 0, "lp": 0, "pb": 0}]


def encode_tables(tables: dict[str, pd.DataFrame]) -> bytes:
    """Return named tables as bytes that ``decode_tables`` reads."""
    header: dict[str, Any] = {}
    body: list[bytes] = []
    for name, table in tables.items():
        earlier, columns = Earlier(), []
        for label in table.columns:
            column, content = _encode_column(str(label), table[label], earlier)
            columns.append(column)
            body += content
        header[name] = {"rows": len(table), "columns": columns}
    text = json.dumps(header, separators=(",", ":")).encode()
    whole = b"".join([len(text).to_bytes(4, "little"), text, *body])
    return lzma.compress(whole, filters=FILTERS, check=lzma.CHECK_CRC32)


def decode_tables(content: bytes, most_rows: int) -> dict[str, pd.DataFrame]:
    """Invert ``encode_tables``.

    Raises:
        CodingError: other bytes, or some that would take more memory than tables of ``most_rows`` rows do.
    """
    room = 2**20 + BYTES_PER_CELL * most_rows
    try:
        unpacker = lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=2**27)
        unpacked = unpacker.decompress(content, room)
    except lzma.LZMAError as error:
        raise CodingError(f"not a compressed table ({error})") from error
    if not unpacker.eof:
        raise CodingError("it takes more memory than its particles can need, or is cut short")
    length = int.from_bytes(unpacked[:4], "little")
    header, tables = json.loads(unpacked[4 : 4 + length]), {}
    stream = Stream(unpacked, 4 + length, room)
    for name, described in header.items():
        rows, columns = described["rows"], described["columns"]
        if not isinstance(rows, int) or not 0 <= rows <= most_rows or len(columns) > MOST_COLUMNS:
            raise CodingError(f"table {name} of {str(rows)[:20]} rows and {len(columns)} columns for {most_rows} particles")
        stream.known = []
        made = {str(column["name"]): _decode_column(column, stream, rows) for column in columns}
        tables[name] = pd.DataFrame(made, index=pd.RangeIndex(rows))
    return tables


def _encode_column(name: str, column: pd.Series, earlier: Earlier) -> tuple[dict[str, Any], list[bytes]]:
    kind = next((name for name, dtype in TEXTS.items() if column.dtype == dtype), str(column.dtype))
    if kind in NUMBERS:
        cells = [repr(value) for value in np.asarray(column).tolist()]
    else:
        kind = kind if kind in TEXTS else "object"
        cells = [cell if isinstance(cell, str) else str(cell) for cell in column.tolist()]
        if bool((missing := column.isna()).any()):
            shown = [None if gone else cell for cell, gone in zip(cells, missing.tolist(), strict=True)]
            text = json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode()
            return {"name": name, "type": kind, "form": "cells", "bytes": len(text)}, [text]
    form, content = encode_words(pa.array(cells, pa.large_string()), earlier)
    return {"name": name, "type": kind, **form}, content


def _decode_column(column: dict[str, Any], stream: Stream, rows: int) -> pd.Series:
    kind, name = column["type"], str(column["name"])[:40]
    if kind not in TEXTS and kind not in NUMBERS:
        raise CodingError(f"column {name} of an unknown type {str(kind)[:20]}")
    if column.get("form") == "cells" and kind in TEXTS:
        cells = json.loads(stream.take(column["bytes"]))
        if not isinstance(cells, list) or len(cells) != rows or any(c is not None and not isinstance(c, str) for c in cells):
            raise CodingError(f"column {name}: not {rows} words")
        return pd.Series(cells, dtype=TEXTS[kind])
    words = decode_words(column, stream, rows).to_pylist()
    return pd.Series(words, dtype=TEXTS[kind]) if kind in TEXTS else pd.Series(_numbers(words, kind))


def _numbers(texts: list[str], kind: str) -> np.ndarray:
    """Return the numbers that Python writes as these words. Raises CodingError for others."""
    if kind == "bool":
        if not set(texts) <= {"True", "False"}:
            raise CodingError("truth values are True or False")
        return np.array([text == "True" for text in texts])
    try:
        return np.array([float(text) if kind.startswith("float") else int(text) for text in texts], kind)
    except (ValueError, OverflowError) as error:
        raise CodingError(f"words that are no numbers: {error}") from error
