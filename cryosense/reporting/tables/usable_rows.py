"""What rows must hold before they are counted: one run's facts on every row, possible numbers, names on one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from cryosense.errors import UnusableRunError
from cryosense.files.limits import shown
from cryosense.metrics.row_columns import SCHEMA
from cryosense.reporting.scores import NAMES
from cryosense.reporting.tables.summary import METHOD, OPERATOR

# Runs made before such a column existed count all the same.
CAME_LATER = {"data_fingerprint", "bytes_per_particle", "quantiser", *NAMES}
OF_ONE_RUN = list(dict.fromkeys(["run_id", "data_fingerprint", "seed", *OPERATOR, *METHOD]))
ALWAYS_THERE = ["run_id", "data", "particle", "operator", "reconstructor", "compression_nominal", "compression_dof", "seed"]


class Range(NamedTuple):
    """Least and largest value that a column can have."""

    low: float
    high: float


RANGES = {
    "particle": Range(0, 2**53),
    "seed": Range(-(2**63), 2**63),
    "block_size": Range(1, 2**20),
    "samples": Range(1, 2**31),
    **dict.fromkeys(("compression_nominal", "compression_dof"), Range(1e-6, 1e9)),
    **dict.fromkeys(("iterations", "nfe"), Range(0, 2**53)),
    **dict.fromkeys(("bits_per_image", "bytes_per_particle", "noise_sigma", "seconds"), Range(0, 1e15)),
    "weight": Range(-1e300, 1e300),
}


def usable_rows(table: pa.Table) -> pa.Table:
    """Return the rows of a run with every present column, empty if the run is older than it, and names made printable.

    Raises:
        UnusableRunError: columns that runs always had are missing or empty, facts of the run differ between its rows, or
            numbers are impossible.
    """
    lacking = [name for name in SCHEMA.names if name not in table.column_names and name not in CAME_LATER]
    if lacking or not len(table):
        raise UnusableRunError(f"rows.parquet holds no {', '.join(lacking) or 'rows'}")
    columns = {field.name: _column(table, field) for field in SCHEMA}
    for name in ALWAYS_THERE:
        if columns[name].null_count:
            raise UnusableRunError(f"rows.parquet: {name} is missing for {columns[name].null_count} row(s)")
    for name in OF_ONE_RUN:
        if len(columns[name].unique()) > 1:
            raise UnusableRunError(f"rows.parquet: {name} is not the same for all rows of the run")
    for name, (low, high) in RANGES.items():
        values = columns[name].drop_null().to_numpy()
        if not ((values >= low) & (values <= high)).all():  # not NaN either
            raise UnusableRunError(f"rows.parquet: {name} holds {values[~((values >= low) & (values <= high))][0]:g}")
    return pa.table(list(columns.values()), schema=SCHEMA)


def _column(table: pa.Table, field: pa.Field) -> pa.ChunkedArray:
    if field.name not in table.column_names:
        return pa.chunked_array([pa.nulls(len(table), field.type)])
    column = table[field.name]
    if field.type != pa.string():
        return column
    names = column.unique().drop_null().to_pylist()
    odd = [name for name in names if shown(name) != name]
    for name in odd:
        column = pc.if_else(pc.fill_null(pc.equal(column, name), fill_value=False), shown(name), column)
    return column


def usable_facts(facts: Mapping[str, object]) -> dict[str, object]:
    """Return the columns of one row from an unknown source, None where a value cannot be one of that column."""
    return {name: _usable(value, SCHEMA.field(name)) for name, value in facts.items()}


def _usable(value: object, field: pa.Field) -> object:
    if field.type == pa.string():
        return shown(value) if isinstance(value, str) else None
    if field.type == pa.bool_():
        return value if isinstance(value, bool) else None
    low, high = RANGES[field.name]
    return value if isinstance(value, int | float) and low <= value <= high else None
