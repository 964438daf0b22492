"""Shards of a run, each with a directory of its own inside the run's; when the last is done they become the run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from cryosense.data import ParticleStack
from cryosense.errors import ArgumentError
from cryosense.files.writing import written_whole
from cryosense.metrics.score_table import SCHEMA
from cryosense.runs.claims import claimed
from cryosense.runs.provenance import gather_sessions
from cryosense.runs.record import SHARDS, shard_directory
from cryosense.runs.rows import RowWriter
from cryosense.tasks.reconstruct.execution import begin, finish
from cryosense.tasks.reconstruct.run import Run
from cryosense.tasks.reconstruct.stacks import RunStacks
from cryosense.tasks.reconstruct.weights import WeightCache


def shard(particles: int, index: int, count: int) -> range:
    """-> positions of the particles of one of ``count`` shards, neighbours all. Raises ArgumentError if there is none such."""
    if not 0 <= index < count <= particles:
        raise ArgumentError(
            f"shard.index={index} of shard.count={count}: at least one particle each is needed, counted from 0"
        )
    return range(particles * index // count, particles * (index + 1) // count)


def shards_done(directory: Path, count: int) -> bool:
    """Whether all ``count`` shards of the run in ``directory`` are complete."""
    return all((shard_directory(directory, index, count) / "done.json").is_file() for index in range(count))


def merge_shards(run: Run, directory: Path, config: str, count: int, weights: WeightCache, claim_expires_hours: float) -> None:
    """Make the run of its ``count`` shards, all of which are done.

    ``run`` is that of all particles, its method not yet fitted. The directory is then what it would be if the run had been
    made in one; the shards go.

    Raises:
        BusyError: another process does this.
        OSError: the disk is full; the shards stay, and any of them started again goes on with this.
    """
    with claimed(directory, claim_expires_hours):
        begin(run, directory, config, weights)
        gather_sessions(directory, (shard_directory(directory, index, count) for index in range(count)))
        rows = RowWriter(directory, SCHEMA)
        with RunStacks(directory, len(run.particles), run.source.images) as stacks:
            for index in range(count):
                folder = shard_directory(directory, index, count)
                positions = shard(len(run.particles), index, count)
                _copy_images(run, stacks, folder, positions.start)
                _copy_masks(directory, folder, positions.start)
                _copy_rows(run, rows, folder, positions)
            stacks.finish()
        finish(run, directory)
        shutil.rmtree(directory / SHARDS)


def _copy_images(run: Run, stacks: RunStacks, folder: Path, start: int) -> None:
    for path in sorted(folder.glob("*.mrcs")):
        for indices, images in ParticleStack.open(path).chunks(run.chunk_size):
            stacks.write(start + int(indices[0]), {path.stem: images})


def _copy_masks(directory: Path, folder: Path, start: int) -> None:
    """One set for all particles as it is; those of single particles under their positions in the run."""
    copies = {folder / "masks.npz": directory / "masks.npz"}
    for path in (folder / "masks").glob("*.npz"):
        copies[path] = directory / "masks" / f"{start + int(path.stem):09d}.npz"
    for source, target in copies.items():
        if source.is_file() and not target.is_file():
            target.parent.mkdir(exist_ok=True)
            with written_whole(target) as unfinished:
                shutil.copyfile(source, unfinished)


def _copy_rows(run: Run, writer: RowWriter, folder: Path, positions: range) -> None:
    """The shard's rows under the name of the whole run, but for those that are there already."""
    start = positions.start
    for batch in _batches(folder / "rows.parquet"):
        new = batch.slice(max(0, writer.completed_until() - start))
        if new.num_rows:
            columns = {name: new[name].to_pylist() for name in new.schema.names}
            writer.append(writer.completed_until(), columns | {"run_id": run.run_id})
        start += batch.num_rows


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(path) as file:
        yield from file.iter_batches()
