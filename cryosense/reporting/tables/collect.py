"""All rows below a directory: every finished run, and a list of those that are unfinished or unreadable."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa

from cryosense.errors import NoRunError, RunError, UntrustedFileError, UnusableRunError
from cryosense.files.limits import read_json_value, shown, shown_path
from cryosense.files.rows import read_rows
from cryosense.metrics.row_columns import SCHEMA
from cryosense.reporting.tables.cells import cell_label, missing_cells, what_became_of
from cryosense.reporting.tables.data_names import with_unique_names
from cryosense.reporting.tables.usable_rows import usable_rows

LONGEST_REASON = 1000  # characters


@dataclass(frozen=True)
class Collected:
    """What was found below a directory: ``rows`` of the finished ``runs``, and why each other one is left out."""

    rows: pd.DataFrame
    runs: tuple[Path, ...]
    left_out: tuple[tuple[Path, str], ...]


def collect(directory: Path) -> Collected:
    """Read the rows of every finished run at or below the directory, in the order of their paths.

    Runs that are unfinished, failed, damaged, or copies of one already read, and cells that a ``sweep.json`` names but that
    were never started, are listed with method and operator, never silently dropped.

    Raises:
        RunError: no such directory.
        NoRunError: a directory without a finished run.
    """
    check_directory(directory)
    tables: dict[Path, pa.Table] = {}
    seen: dict[str, Path] = {}
    left_out = []
    for run in _run_dirs(directory):
        try:
            table = _rows(run)
            run_id = table["run_id"][0].as_py()
            if run_id in seen:
                raise UnusableRunError(f"holds rows of the same run as {seen[run_id]}: counted once")
            seen[run_id] = run
        except UnusableRunError as reason:
            label = cell_label(run)
            left_out.append((run, f"{reason}{label and f' ({label})'}"))
        else:
            tables[run] = table
    for sweep in _named(directory, "sweep.json"):
        left_out += missing_cells(sweep.parent, sweep)
    if not tables:
        listed = "".join(f"\n  {line}" for line in in_words(left_out))
        raise NoRunError(f"no finished run at or below {directory}{listed}")
    rows = with_unique_names(pa.concat_tables(tables.values()).to_pandas(), seen)
    return Collected(rows, tuple(tables), tuple(left_out))


def check_directory(directory: Path) -> None:
    """Raise RunError if there is no such directory, before anything is written beside it."""
    if not directory.is_dir():
        raise RunError(f"{directory} is not a directory: name the one that your runs were written to")


def in_words(left_out: Iterable[tuple[Path, str]]) -> list[str]:
    """Return a line for each directory and why it is left out, in printable characters."""
    return [f"{shown_path(run)}: {shown(reason, LONGEST_REASON)}" for run, reason in left_out]


def _run_dirs(directory: Path) -> Iterator[Path]:
    """Yield directories that a reconstruction wrote to or started in, but not those of other verbs, which end without rows."""
    for parent, folders, files in os.walk(directory):
        folders[:] = sorted(folder for folder in folders if not folder.startswith("."))
        has_rows = bool({"rows.parquet", "summary.json"} & set(files)) or "parts" in folders
        if has_rows or ({"config.yaml", "error.json"} & set(files) and "done.json" not in files):
            folders.clear()
            yield Path(parent)


def _named(directory: Path, name: str) -> Iterator[Path]:
    """Yield files of this name at or below the directory."""
    for parent, folders, files in os.walk(directory):
        folders[:] = sorted(folder for folder in folders if not folder.startswith("."))
        if name in files:
            yield Path(parent) / name


def _rows(run: Path) -> pa.Table:
    """Return the rows of one run.

    Raises UnusableRunError if it is unfinished or its files are not what its record promises.
    """
    became = what_became_of(run)
    if became is not None:
        raise UnusableRunError(became)
    try:
        read_json_value(run / "done.json")
        table = read_rows(run / "rows.parquet", SCHEMA)
    except UntrustedFileError as error:
        raise UnusableRunError(f"damaged: {error}") from error
    return usable_rows(table)
