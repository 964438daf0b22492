"""The run of shards that are all done: what each of them has written, put together."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from cryosense.data.images import open_image_file
from cryosense.files.writing import written_whole
from cryosense.metrics.row_columns import SCHEMA
from cryosense.runs.rows import RowWriter
from cryosense.runs.shards import Sharding, part_of
from cryosense.tasks.reconstruct.execution import complete, example, fit
from cryosense.tasks.reconstruct.run import Run
from cryosense.tasks.reconstruct.stacks import RunStacks
from cryosense.tasks.reconstruct.weights import WeightCache


def merge(run: Run, directory: Path, shards: Sequence[Path], weights: WeightCache) -> None:
    """Make the run from its shards in a directory that this process holds; it is then as if made in one.

    ``run`` is that of all particles, its method not yet fitted.

    Raises:
        OSError: the disk is full; the shards stay, and restarting any of them continues this.
    """
    run.check(run.source.images.box_size)
    fit(run, directory, weights)
    shown = example(run)
    rows = RowWriter(directory, SCHEMA)
    with RunStacks(directory, shown.in_stack_units(), len(run.particles), run.source.images) as stacks:
        for index, folder in enumerate(shards):
            positions = part_of(len(run.particles), Sharding(index, len(shards)))
            _copy_images(run, stacks, folder, positions.start)
            _copy_masks(directory, folder, positions.start)
            _copy_rows(run, rows, folder, positions.start)
        stacks.finish()
    complete(run, directory, shown)


def _copy_images(run: Run, stacks: RunStacks, folder: Path, start: int) -> None:
    opened = {path.stem: open_image_file(path) for path in sorted(folder.glob("*.mrcs"))}
    count = max((file.count for file in opened.values()), default=0)
    for first in range(0, count, run.chunk_size):
        numbers = np.arange(first, min(first + run.chunk_size, count))
        images = {name: torch.from_numpy(file.read(numbers))[:, None] for name, file in opened.items()}
        stacks.write(start + first, images)


def _copy_masks(directory: Path, folder: Path, start: int) -> None:
    """Copy one set for all particles as it is, and those of single particles under their positions in the run."""
    copies = {folder / "masks.npz": directory / "masks.npz"}
    for path in (folder / "masks").glob("*.npz"):
        copies[path] = directory / "masks" / f"{start + int(path.stem):09d}.npz"
    for source, target in copies.items():
        if source.is_file() and not target.is_file():
            target.parent.mkdir(exist_ok=True)
            with written_whole(target) as unfinished:
                shutil.copyfile(source, unfinished)


def _copy_rows(run: Run, writer: RowWriter, folder: Path, start: int) -> None:
    """Copy the shard's rows under the name of the whole run, except those that exist already."""
    for batch in _batches(folder / "rows.parquet"):
        columns = {name: batch[name].to_pylist() for name in batch.schema.names}
        writer.append_new(start, columns | {"run_id": run.run_id})
        start += batch.num_rows


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(path) as file:
        yield from file.iter_batches()
