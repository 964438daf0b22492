"""A run's rows, one per particle: written in parts while the run streams, merged into one file at its end.

A run directory holds ``parts/rows_<start>_<stop>.parquet`` while the run works and ``rows.parquet`` once it is finished.
Every file appears under its name complete or not at all, so a run that was killed resumes behind its last whole part.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from torch import Tensor

from cryosense.errors import ArgumentError, RunError
from cryosense.files.writing import written_whole

Value = Tensor | Sequence[object] | str | int | float | bool | None

PARTS_PER_ROW_GROUP = 256


def row_schema(scores: Iterable[str]) -> pa.Schema:
    """Return the columns of a row: what was run, what it took, then one number for each score."""
    return pa.schema(
        [
            *((name, pa.string()) for name in ("run_id", "data", "data_fingerprint")),
            ("particle", pa.int64()),
            ("held_back", pa.bool_()),
            *((name, pa.string()) for name in ("operator", "masks")),
            ("block_size", pa.int64()),
            *((name, pa.float64()) for name in ("compression_nominal", "compression_dof")),
            *((name, pa.float64()) for name in ("bits_per_image", "bytes_per_particle")),
            ("symmetric", pa.bool_()),
            ("noise_sigma", pa.float64()),
            *((name, pa.string()) for name in ("noise_placement", "quantiser", "reconstructor", "prior", "sampler")),
            ("samples", pa.int64()),
            ("weight", pa.float64()),
            *((name, pa.int64()) for name in ("seed", "iterations")),
            ("gap", pa.float64()),
            ("nfe", pa.int64()),
            ("seconds", pa.float64()),
            *((name, pa.float64()) for name in scores),
        ]
    )


class RowWriter:
    """A writer of the rows of one run, in the order of its particles, part by part; a second one on the same folder continues.

    Positions count the particles of the run from 0. They are not particle numbers, which are in the column ``particle``.
    """

    def __init__(self, run_dir: Path, schema: pa.Schema) -> None:
        self._schema = schema
        self._parts = run_dir / "parts"
        self._merged = run_dir / "rows.parquet"
        self._completed = self._merged_rows() if self._merged.is_file() else self._leading_parts()

    def completed_until(self) -> int:
        """Return the number of leading particles whose rows are stored: the position at which the next part starts."""
        return self._completed

    def append(self, start: int, rows: Mapping[str, Value]) -> None:
        """Store the rows of the particles at positions ``start``, ``start`` + 1, ...: one value per particle, or one for all.

        ``rows`` must hold ``particle``, which sets their number; columns left out are null, as is NaN.

        Raises:
            ArgumentError: a column that is not in the schema, or lengths that differ.
            RunError: a start other than ``completed_until()``, or a run that is finished.
            OSError: the disk is full; everything stored before is still in place.
        """
        if self._merged.is_file():
            raise RunError(f"{self._merged} is finished: rows cannot be added to it")
        if start != self._completed:
            raise RunError(f"{self._parts}: rows are stored up to position {self._completed}, and cannot continue at {start}")
        table = as_table(rows, self._schema)
        stop = start + table.num_rows
        self._parts.mkdir(parents=True, exist_ok=True)
        path = self._parts / f"rows_{start:09d}_{stop:09d}.parquet"
        try:
            with written_whole(path) as unfinished:
                pq.write_table(table, unfinished)
        except OSError as error:
            message = (
                f"{path} could not be written ({error.strerror}); rows up to position {start} are kept: free space, run again"
            )
            raise OSError(error.errno, message) from error
        self._completed = stop

    def append_new(self, start: int, rows: Mapping[str, Value]) -> None:
        """Store rows as ``append`` does, skipping those that are stored already."""
        known = self._completed - start
        table = as_table(rows, self._schema) if known > 0 else None
        if table is None:
            self.append(start, rows)
        elif known < table.num_rows:
            new = table.slice(known)
            self.append(self._completed, {name: new[name].to_pylist() for name in new.schema.names})

    def finish(self) -> None:
        """Merge all parts into ``rows.parquet``, a few in memory at a time, and remove them; do nothing if already done."""
        if not self._merged.is_file():
            with written_whole(self._merged) as unfinished, pq.ParquetWriter(unfinished, self._schema) as writer:
                parts = [part for part, _, _ in self._part_files()]
                for first in range(0, len(parts), PARTS_PER_ROW_GROUP):
                    group = [pq.read_table(part, schema=self._schema) for part in parts[first : first + PARTS_PER_ROW_GROUP]]
                    writer.write_table(pa.concat_tables(group))
        shutil.rmtree(self._parts, ignore_errors=True)

    def _merged_rows(self) -> int:
        return int(pq.read_metadata(self._merged).num_rows)

    def _part_files(self) -> list[tuple[Path, int, int]]:
        """Return the parts with their first position and the one behind their last, in order."""
        paths = sorted(self._parts.glob("rows_*_*.parquet"))
        return [(path, *map(int, path.stem.split("_")[1:])) for path in paths]  # type: ignore[misc]

    def _leading_parts(self) -> int:
        completed = 0
        for path, start, stop in self._part_files():
            if start != completed:
                raise RunError(f"{path} does not continue from position {completed}: remove {self._parts} and run again")
            completed = stop
        return completed


def as_table(rows: Mapping[str, Value], schema: pa.Schema) -> pa.Table:
    """Return a table with every column of the schema, from columns of one length or single values that hold for all rows.

    Raises:
        ArgumentError: unknown columns, no column ``particle``, or lengths that differ.
    """
    unknown = sorted(set(rows) - set(schema.names))
    if unknown:
        raise ArgumentError(f"rows have no column {', '.join(unknown)}; the columns are {', '.join(schema.names)}")
    columns = {name: _values(value) for name, value in rows.items()}
    particles = columns.get("particle")
    if not isinstance(particles, list):
        raise ArgumentError("rows need a column particle with one number per row")
    for name, values in columns.items():
        if isinstance(values, list) and len(values) != len(particles):
            raise ArgumentError(f"column {name} has {len(values)} values for {len(particles)} particles")
    arrays = [_array(columns.get(field.name), field, len(particles)) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def _values(value: Value) -> object:
    """Return one value as it is, several as a list."""
    if isinstance(value, Tensor):
        return value.detach().tolist()
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value


def _array(values: object, field: pa.Field, length: int) -> pa.Array:
    """Return a column of the schema; NaN becomes null, so that an empty value looks the same in every column."""
    filled = values if isinstance(values, list) else [values] * length
    try:
        return pa.array(filled, from_pandas=True).cast(field.type)  # the cast, unlike array(type=...), never truncates
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise ArgumentError(f"column {field.name} takes {field.type}, got {filled[:1]} ({error})") from error
