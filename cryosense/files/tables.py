"""Tables of numbers as CSV files, and how a resolution read off them is worded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from cryosense.errors import ArgumentError
from cryosense.files.writing import written_whole

THRESHOLDS = (0.143, 0.5)  # of an FSC, at which resolutions are stated


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write a table under this name, whole or not at all."""
    with written_whole(path) as unfinished:
        table.to_csv(unfinished, index=False)


def write_parquet(path: Path, table: pd.DataFrame) -> None:
    """Write a table under this name, whole or not at all, its numbers to the last bit."""
    with written_whole(path) as unfinished:
        table.to_parquet(unfinished, index=False)


def read_table(path: Path, numbers: Sequence[str], words: Sequence[str] = ()) -> pd.DataFrame:
    """-> the table in a CSV file, every column but ``words`` as float64. Raises ArgumentError naming one that is not.

    ``numbers`` and ``words`` must be there; ``words`` are taken as text.
    """
    try:
        table = pd.read_csv(path, dtype=dict.fromkeys(words, str))
        others = {name: table[name].astype(float) for name in table.columns if name not in words}
    except (OSError, ValueError) as error:  # of pandas, decoding and conversion
        raise ArgumentError(f"{path} is not a readable table of numbers: {error}") from error
    missing = sorted({*numbers, *words} - set(table.columns))
    if missing or table.empty:
        raise ArgumentError(f"{path} holds no rows, or no column {', '.join(missing)}")
    return table.assign(**others)


def reading(resolution: float, *, at_nyquist: bool) -> str:
    """-> a resolution in words, for a figure or a line of text."""
    if resolution == float("inf"):
        return "none"
    return f"{'≤ ' if at_nyquist else ''}{resolution:.2f} Å{' (Nyquist)' if at_nyquist else ''}"
