"""One run: measure every particle, reconstruct it, score it, write it; in portions, for stacks larger than memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

from cryosense.data import write_star
from cryosense.data.ahead import read_ahead
from cryosense.files.writing import write_json_atomic
from cryosense.metrics.row_columns import SCHEMA
from cryosense.runs.record import Kind, remove
from cryosense.runs.rows import RowWriter
from cryosense.tasks.reconstruct.kept import write_example, write_masks
from cryosense.tasks.reconstruct.portion import Portion
from cryosense.tasks.reconstruct.run import Run
from cryosense.tasks.reconstruct.stacks import RunStacks
from cryosense.tasks.reconstruct.weights import WeightCache

RECONSTRUCTION = Kind(
    results=("fit.json", "rows.parquet", "summary.json"),
    optional=("*.mrcs", "particles.star", "masks.npz", "masks/*.npz", "example.npz", "example.png"),
    scratch=("parts", "*.partial"),
    beside=("mirrored_*.json", "rows.csv", "means.csv"),
)


def execute(run: Run, directory: Path, weights: WeightCache, progress: Callable[[int], object]) -> None:
    """Do what is still to do of a run in a directory that this process holds.

    Writes, in this order: ``fit.json``; the images, then their rows, portion by portion; ``masks``, ``particles.mrcs`` and
    ``.star``, ``example.npz``, ``summary.json``, ``rows.parquet``. ``progress`` is called with the number of particles done
    since its last call.

    Raises:
        ArgumentError: input that cannot be used, before any work.
        OSError: the disk is full; what is there stays, and the run can be resumed.
    """
    run.check(run.source.images.box_size)
    fit(run, directory, weights)
    shown = example(run)
    _stream(run, directory, shown.in_stack_units(), progress)
    complete(run, directory, shown)


def fit(run: Run, directory: Path, weights: WeightCache) -> None:
    """Let the method learn, or take what was learned before."""
    known = weights.read()
    learnt = run.reconstructor, run.source, run.particles, run.scaled, run.measure, run.scores
    choice = run.fitting.fit(*learnt, known, run.says)
    if choice is not None and known is None:
        weights.write(choice)
    write_json_atomic(
        directory / "fit.json",
        {"scaling": run.scaling.describe(), "weight": None if choice is None else asdict(choice)},
    )


def example(run: Run) -> Portion:
    """Return the first particle that is not held back, by itself."""
    shown = int(run.held_back().int().argmin())
    return Portion(run, run.read(range(shown, shown + 1)))


def _stream(run: Run, directory: Path, stacks_of: Iterable[str], progress: Callable[[int], object]) -> None:
    """Write each image to the stacks before its row; where images were lost since, all of them are made again."""
    count, images = len(run.shard), run.source.images
    rows, held_back = RowWriter(directory, SCHEMA), run.held_back()
    with RunStacks(directory, stacks_of, count, images) as stacks:
        start = rows.completed_until()
        if stacks.completed_until() < start:
            start = 0
            remove(directory, ["masks"])
        progress(start)
        parts = (range(first, min(first + run.chunk_size, count)) for first in range(start, count, run.chunk_size))
        for part, read in read_ahead(run.read, parts):
            portion = Portion(run, read)
            stacks.write(part.start, portion.in_stack_units())
            write_masks(directory, portion.measurement.operator, part.start, run.design.per_particle)
            rows.append_new(part.start, portion.rows() | {"held_back": held_back[part.start : part.stop]})
            progress(len(part))
        stacks.finish()


def complete(run: Run, directory: Path, shown: Portion) -> None:
    """Write what belongs beside the rows and images of a run, all of which exist."""
    images = run.source.images.select(slice(run.shard.start, run.shard.stop))
    if shown.image is not None:  # else there is nothing to compare it with
        clean = None if shown.clean is None else shown.clean[0, 0]
        view = shown.measurement.operator.view(shown.measurement.y)[0]
        deviation = None if shown.estimate.deviation is None else shown.estimate.deviation[0, 0]
        image, made = shown.image[0, 0], shown.estimate.x[0, 0]
        write_example(directory, int(shown.numbers[0]), image, clean, view, made, deviation)
    if run.write_images and not (directory / "particles.star").exists():
        write_star(
            directory / "particles.star",
            directory / "particles.mrcs",
            images.tables.particles,
            images.tables.optics,
            box_size=images.box_size,
            pixel_size_angstrom=images.pixel_size_angstrom,
            root=run.relion_root,
        )
    summary = {key: None if value != value else value for key, value in run.describe().items()}
    about = {"geometry": images.geometry.describe(), "pixel_size_angstrom": images.pixel_size_angstrom}
    write_json_atomic(directory / "summary.json", summary | about)
    RowWriter(directory, SCHEMA).finish()
