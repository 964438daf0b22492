"""Tables of particles in few bytes, every value as it was: columns of numbers as numbers, the rest as JSON, all through xz.

A column of floats takes the first of these forms that gives it back exactly: whole numbers of 10^-d, single precision, double
precision. Numbers are stored byte plane by byte plane; whole numbers as differences to the one before.
"""

from __future__ import annotations

import json
import lzma
from typing import Any

import numpy as np
import pandas as pd

from cryosense.errors import CodingError

MOST_DECIMALS = 6
MOST_COLUMNS = 1000
BYTES_PER_CELL = 4096  # at most, on average: a table that claims more is not unpacked
LARGEST_WHOLE = 2**52


def encode_tables(tables: dict[str, pd.DataFrame]) -> bytes:
    """Named tables -> bytes, as :func:`decode_tables` reads them."""
    header, body = {}, []
    for name, table in tables.items():
        columns = [_encode_column(str(label), table[label]) for label in table.columns]
        header[name] = {"rows": len(table), "columns": [column for column, _ in columns]}
        body += [content for _, content in columns]
    text = json.dumps(header, separators=(",", ":")).encode()
    return lzma.compress(b"".join([len(text).to_bytes(4, "little"), text, *body]), preset=6)


def decode_tables(content: bytes, most_rows: int) -> dict[str, pd.DataFrame]:
    """The inverse of :func:`encode_tables`.

    Raises:
        CodingError: bytes that are not that, or would take more memory than tables of ``most_rows`` rows do.
    """
    try:
        unpacker = lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=2**27)
        unpacked = unpacker.decompress(content, 2**20 + BYTES_PER_CELL * most_rows)
    except lzma.LZMAError as error:
        raise CodingError(f"not a compressed table ({error})") from error
    if not unpacker.eof:
        raise CodingError("it takes more memory than its particles can need, or is cut short")
    length = int.from_bytes(unpacked[:4], "little")
    header, at, tables = json.loads(unpacked[4 : 4 + length]), 4 + length, {}
    for name, described in header.items():
        rows, columns = int(described["rows"]), described["columns"]
        if not 0 <= rows <= most_rows or len(columns) > MOST_COLUMNS:
            raise CodingError(f"table {name} of {rows} rows and {len(columns)} columns for {most_rows} particles")
        made = {}
        for column in columns:
            size = int(column["bytes"])
            if not 0 <= size <= len(unpacked) - at:
                raise CodingError(f"column {column['name']} is cut short")
            made[str(column["name"])] = _decode_column(column, unpacked[at : at + size], rows)
            at += size
        tables[name] = pd.DataFrame(made, index=pd.RangeIndex(rows))
    return tables


def _encode_column(name: str, column: pd.Series) -> tuple[dict[str, Any], bytes]:
    form, content, more = "json", b"", {}
    if column.dtype.kind in "iu":
        form, content = "whole", _differences(column.to_numpy(np.int64))
    elif column.dtype.kind == "f":
        values = column.to_numpy(np.float64)
        decimals = next((d for d in range(MOST_DECIMALS + 1) if _is_decimal(values, d)), None)
        with np.errstate(over="ignore"):
            single = values.astype("<f4")
        if decimals is not None:
            form, more = "decimal", {"decimals": decimals}
            content = _differences(np.round(values * 10.0**decimals).astype(np.int64))
        elif np.array_equal(single.astype(np.float64), values, equal_nan=True):
            form, content = "single", _planes(single)
        else:
            form, content = "double", _planes(values.astype("<f8"))
    else:
        cells = [None if cell is None or cell != cell else str(cell) for cell in column]
        content = json.dumps(cells, ensure_ascii=False, separators=(",", ":")).encode()
    return {"name": name, "form": form, "bytes": len(content), **more}, content


def _is_decimal(values: np.ndarray, decimals: int) -> bool:
    """Whether all values are whole numbers of 10^-decimals, zero with its sign too."""
    with np.errstate(over="ignore", invalid="ignore"):
        whole = np.round(values * 10.0**decimals)
        back = whole / 10.0**decimals
    fits = bool(np.isfinite(values).all()) and bool((np.abs(whole) < LARGEST_WHOLE).all())
    return fits and np.array_equal(back, values) and not bool(np.signbit(values[values == 0]).any())


def _decode_column(column: dict[str, Any], content: bytes, rows: int) -> Any:
    form = column["form"]
    if form == "json":
        cells = json.loads(content)
        if not isinstance(cells, list) or len(cells) != rows or any(c is not None and not isinstance(c, str) for c in cells):
            raise CodingError(f"column {column['name']}: not {rows} words")
        return pd.Series(cells, dtype=object).fillna(np.nan).infer_objects()
    types = {"whole": "<i8", "decimal": "<i8", "single": "<f4", "double": "<f8"}
    if form not in types or len(content) != rows * np.dtype(types[form]).itemsize:
        raise CodingError(f"column {column['name']}: not {rows} numbers of the form {form}")
    planes = np.frombuffer(content, np.uint8).reshape(-1, rows)
    values = np.ascontiguousarray(planes.T).view(types[form]).reshape(rows)
    if form in {"whole", "decimal"}:
        values = np.cumsum(values)
    if form == "decimal":
        return values / 10.0 ** min(max(int(column["decimals"]), 0), MOST_DECIMALS)
    return values.astype(np.int64 if form == "whole" else np.float64)


def _planes(values: np.ndarray) -> bytes:
    return np.ascontiguousarray(values.view(np.uint8).reshape(len(values), -1).T).tobytes()


def _differences(values: np.ndarray) -> bytes:
    return _planes(np.diff(values, prepend=0).astype("<i8"))
