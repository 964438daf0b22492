"""Tables of numbers as CSV files, and how a resolution read from them is worded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from cryosense.errors import UntrustedFileError
from cryosense.files.escapes import without_formulas
from cryosense.files.limits import open_regular
from cryosense.files.writing import written_whole

LARGEST_TABLE_BYTES = 2**24
MOST_COLUMNS, LONGEST_HEADER = 1000, 2**16
THRESHOLDS = (0.143, 0.5)  # FSC values at which resolutions are stated


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write a table, whole or not at all, with texts that no spreadsheet takes for formulas."""
    with written_whole(path) as unfinished:
        without_formulas(table).to_csv(unfinished, index=False)


def read_csv(path: Path, largest: int, **how: Any) -> pd.DataFrame:
    """Return the table in a CSV file, read by pandas.

    Raises:
        UntrustedFileError: a file that cannot be read, is larger than ``largest`` bytes, or has more than 1000 columns.
    """
    with open_regular(path) as file:
        if file.seek(0, 2) > largest:
            raise UntrustedFileError(f"{path}: more than {largest} bytes: no table that is read here is that large")
        file.seek(0)
        header = file.readline(LONGEST_HEADER + 1)
        if len(header) > LONGEST_HEADER or header.count(b",") >= MOST_COLUMNS:
            raise UntrustedFileError(f"{path}: more than {MOST_COLUMNS} columns, or names of {LONGEST_HEADER} bytes")
        file.seek(0)
        try:
            return pd.read_csv(file, **how)
        except (ValueError, OverflowError) as error:  # from pandas, decoding and conversion
            raise UntrustedFileError(f"{path}: not a readable table: {str(error).strip()[:200]}") from error


def write_parquet(path: Path, table: pd.DataFrame) -> None:
    """Write a table, whole or not at all, with its numbers exact to the last bit."""
    with written_whole(path) as unfinished:
        table.to_parquet(unfinished, index=False)


def read_table(path: Path, numbers: Sequence[str], words: Sequence[str] = ()) -> pd.DataFrame:
    """Return the table in a CSV file, with every column but ``words`` as float64.

    ``numbers`` and ``words`` must be present; ``words`` are read as text.

    Raises:
        UntrustedFileError: a file that cannot be read, or a column that is missing or holds something else.
    """
    try:
        table = read_csv(path, LARGEST_TABLE_BYTES, dtype=dict.fromkeys(words, str))
        others = {name: table[name].astype(float) for name in table.columns if name not in words}
    except ValueError as error:  # from conversion
        if isinstance(error, UntrustedFileError):
            raise
        raise UntrustedFileError(f"{path} is not a readable table of numbers: {error}") from error
    missing = sorted({*numbers, *words} - set(table.columns))
    if missing or table.empty:
        raise UntrustedFileError(f"{path} holds no rows, or no column {', '.join(missing)}")
    return table.assign(**others)


def reading(resolution: float, *, at_nyquist: bool) -> str:
    """Return a resolution in Angstrom in words, for a figure or a line of text."""
    if resolution == float("inf"):
        return "none"
    return f"{'≤ ' if at_nyquist else ''}{resolution:.2f} Å{' (Nyquist)' if at_nyquist else ''}"
