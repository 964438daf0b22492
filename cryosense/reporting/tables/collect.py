"""All rows below a directory: every finished run, and a list of those that are not or cannot be read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cryosense.errors import NoRunError, RunError, UnusableRunError
from cryosense.metrics.score_table import SCHEMA
from cryosense.reporting.scores import NAMES
from cryosense.reporting.tables.cells import cell_label, missing_cells, what_became_of

# Runs that were made before there was such a column count all the same.
CAME_LATER = {"data_fingerprint", "bytes_per_particle", *NAMES}


@dataclass(frozen=True)
class Collected:
    """What stands below a directory: ``rows`` of the finished ``runs``, and why each other one is left out."""

    rows: pd.DataFrame
    runs: tuple[Path, ...]
    left_out: tuple[tuple[Path, str], ...]


def collect(directory: Path) -> Collected:
    """Read the rows of every finished run at or below the directory, in the order of their paths.

    Runs that are unfinished, failed, damaged, or copies of one already read, and cells that a ``sweep.json`` names but that
    were never started, are listed with method and operator, never silently dropped. Raises RunError if the directory is
    not there, NoRunError if it holds no finished run.
    """
    if not directory.is_dir():
        raise RunError(f"{directory} is not a directory: name the one that your runs were written to")
    tables: dict[Path, pa.Table] = {}
    seen: dict[str, Path] = {}
    left_out = []
    for run in _run_dirs(directory):
        try:
            table = _rows(run)
            for run_id in table["run_id"].unique().to_pylist():
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
        listed = "".join(f"\n  {run}: {reason}" for run, reason in left_out)
        raise NoRunError(f"no finished run at or below {directory}{listed}")
    return Collected(pa.concat_tables(tables.values()).to_pandas(), tuple(tables), tuple(left_out))


def _run_dirs(directory: Path) -> Iterator[Path]:
    """Directories that a reconstruction wrote to or started in; not those of other verbs, which end without rows."""
    for parent, folders, files in os.walk(directory):
        folders[:] = sorted(folder for folder in folders if not folder.startswith("."))
        has_rows = bool({"rows.parquet", "summary.json"} & set(files)) or "parts" in folders
        if has_rows or ({"config.yaml", "error.json"} & set(files) and "done.json" not in files):
            folders.clear()
            yield Path(parent)


def _named(directory: Path, name: str) -> Iterator[Path]:
    """Files of this name at or below the directory."""
    for parent, folders, files in os.walk(directory):
        folders[:] = sorted(folder for folder in folders if not folder.startswith("."))
        if name in files:
            yield Path(parent) / name


def _rows(run: Path) -> pa.Table:
    """The rows of one run. Raises UnusableRunError if it is not finished or its files are not what its end promised."""
    became = what_became_of(run)
    if became is not None:
        raise UnusableRunError(became)
    try:
        json.loads((run / "done.json").read_text())
        with pq.ParquetFile(run / "rows.parquet") as file:
            table = file.read(use_threads=False)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise UnusableRunError(f"damaged: {error}") from error
    return _with_every_column(table)


def _with_every_column(table: pa.Table) -> pa.Table:
    """The rows with all columns of today, empty where the run is older than a column. Raises UnusableRunError for others."""
    there = set(table.schema.names)
    odd = sorted((there - set(SCHEMA.names)) | (set(SCHEMA.names) - there - CAME_LATER))
    odd += [field.name for field in SCHEMA if field.name in there and table.schema.field(field.name).type != field.type]
    if odd or len(there) < len(table.schema.names):
        raise UnusableRunError(f"rows.parquet has other columns than this version writes: {odd[:10]}")
    columns = [table[field.name] if field.name in there else pa.nulls(len(table), field.type) for field in SCHEMA]
    return pa.table(columns, schema=SCHEMA)
