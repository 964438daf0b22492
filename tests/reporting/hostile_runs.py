"""What is done to run directories so that they do harm, by a name for each."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cryosense.metrics.row_columns import SCHEMA
from tests.tasks.runs import IMAGES

DEEP = "[" * 100_000 + "]" * 100_000
NESTED = '{"run_id": ' * 500 + "1" + "}" * 500
LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12))


def fifo(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def device(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to("/dev/zero")


def changed(**columns: object) -> Callable[[Path], None]:
    """Rows with columns replaced: one value for all, or a list."""

    def change(run: Path) -> None:
        table = pq.read_table(run / "rows.parquet")
        for name, value in columns.items():
            values = value if isinstance(value, list) else [value] * len(table)
            table = table.set_column(table.schema.get_field_index(name), name, pa.array(values, SCHEMA.field(name).type))
        pq.write_table(table, run / "rows.parquet")

    return change


def many_rows(codec: str) -> Callable[[Path], None]:
    def change(run: Path) -> None:
        one = pq.read_table(run / "rows.parquet").slice(0, 1)
        rows = 2_000_000 if codec == "snappy" else 20_000
        columns = {f.name: pa.repeat(one[f.name][0], rows) for f in SCHEMA}
        pq.write_table(pa.table(columns, schema=SCHEMA), run / "rows.parquet", compression=codec)

    return change


def large_page(run: Path) -> None:
    table = pq.read_table(run / "rows.parquet")
    table = table.append_column("extra", pa.array([b"\0" * 50_000_000] * len(table)))
    pq.write_table(table, run / "rows.parquet", compression="zstd")


RUNS: dict[str, Callable[[Path], object]] = {
    "deep done.json": lambda run: (run / "done.json").write_text(DEEP),
    "nested done.json": lambda run: (run / "done.json").write_text(NESTED),
    "huge done.json": lambda run: os.truncate(run / "done.json", 2**33),
    "pipe as done.json": lambda run: fifo(run / "done.json"),
    "device as rows": lambda run: device(run / "rows.parquet"),
    "pipe as rows": lambda run: fifo(run / "rows.parquet"),
    "sparse rows": lambda run: os.truncate(run / "rows.parquet", 2**40),
    "rows that repeat": many_rows("snappy"),
    "rows of another codec": many_rows("zstd"),
    "a large page": large_page,
    "null particles": changed(particle=None),
    "null compression": changed(compression_nominal=None),
    "null method": changed(reconstructor=None),
    "NaN compression": changed(compression_dof=float("nan")),
    "huge compression": changed(compression_nominal=1e300),
    "no compression": changed(compression_dof=0.0),
    "no samples": changed(samples=0, nfe=20, sampler="dps"),
    "infinite weight": changed(weight=float("inf")),
    "two runs in one": changed(run_id=["a", "b"] * (IMAGES // 2)),
    "many operators": changed(masks=[f"m{i}" for i in range(IMAGES)]),
    "a name of 2 MB": changed(data="n" * 2_000_000),
    "a method of 2 MB": changed(reconstructor="m" * 2_000_000),
}
# These count, for their rows are good: what else is in them is named, or shown as what it is.
BESIDE: dict[str, Callable[[Path], object]] = {
    "pipe as example": lambda run: fifo(run / "example.npz"),
    "example of one dimension": lambda run: np.savez(
        run / "example.npz", particle=2, image=np.ones(9), measurement=np.ones(9)
    ),
    "deep summary": lambda run: (run / "summary.json").write_text(DEEP),
    "laughing config": lambda run: (run / "config.yaml").write_text(LAUGHS),
    "deep config": lambda run: (run / "config.yaml").write_text(DEEP),
    "pipe as config": lambda run: fifo(run / "config.yaml"),
    "pipe as provenance": lambda run: fifo(run / "provenance.json"),
    "deep provenance": lambda run: (run / "provenance.json").write_text(DEEP),
}
MAPS: dict[str, Callable[[Path], object]] = {
    "pipe as curves": lambda folder: fifo(folder / "fsc.csv"),
    "wide curves": lambda folder: (folder / "fsc.csv").write_text(",".join(map(str, range(10**6))) + "\n"),
    "sparse curves": lambda folder: os.truncate(folder / "fsc.csv", 2**40),
    "infinite shells": lambda folder: (folder / "fsc.csv").write_text("frequency_per_angstrom,corrected\n0,1\ninf,1\n"),
    "infinite worth": lambda folder: (folder / "done.json").write_text(
        '{"particles": 3, "equivalent_particles": {"cross": Infinity}}'
    ),
    "deep map": lambda folder: (folder / "done.json").write_text(DEEP),
}
