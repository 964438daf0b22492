"""One run: measure every particle, reconstruct it, score it, write it; in portions, for stacks larger than memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from cryosense.data import write_star
from cryosense.files.writing import write_json_atomic
from cryosense.metrics.score_table import SCHEMA
from cryosense.reporting.figures.pictures import picture
from cryosense.reporting.tables.examples import read_example
from cryosense.runs.claims import claimed
from cryosense.runs.failures import clear_failure
from cryosense.runs.provenance import begin_session, end_session
from cryosense.runs.record import open_run
from cryosense.runs.rows import RowWriter
from cryosense.tasks.reconstruct.kept import write_example, write_masks
from cryosense.tasks.reconstruct.portion import Portion
from cryosense.tasks.reconstruct.run import Run
from cryosense.tasks.reconstruct.stacks import RunStacks
from cryosense.tasks.reconstruct.weights import WeightCache


def execute(
    run: Run,
    directory: Path,
    config: str,
    progress: Callable[[int], object],
    weights: WeightCache,
    claim_expires_hours: float,
) -> None:
    """Do what is still to do of a run, and nothing if it is done.

    Writes, in this order: ``config.yaml`` (``config``: whose run it is); ``provenance.json``; ``fit.json``; the images,
    then their rows, portion by portion; ``masks``, ``particles.mrcs`` and ``.star``, ``example.npz``, ``summary.json``,
    ``rows.parquet``, ``example.png``; last ``done.json``. ``progress`` is called with the number of particles done since its
    last call. What an earlier attempt at it left in ``error.json`` goes. ``claim_expires_hours``: see :func:`.claimed`.

    Raises:
        ArgumentError: input that cannot be used, before any work; a directory of another configuration or of other data.
        BusyError: another process is making this run.
        OSError: the disk is full; what is there stays, and the run can be continued.
    """
    run.check(run.source.images.box_size)
    if is_done(run, directory, config):
        progress(len(run.shard))
        return
    with claimed(directory, claim_expires_hours):
        begin(run, directory, config, weights)
        _stream(run, directory, progress)
        finish(run, directory)


def is_done(run: Run, directory: Path, config: str) -> bool:
    """Whether the run is complete. Raises RunDirectoryError if the directory is complete, but of another run."""
    if not (directory / "done.json").is_file():
        return False
    open_run(directory, config, run.source.fingerprint())
    return True


def begin(run: Run, directory: Path, config: str, weights: WeightCache) -> None:
    """Let the method learn, or take what was learned before, and open the directory."""
    known = weights.read()
    choice = run.fitting.fit(run.reconstructor, run.source, run.particles, run.scaling, run.measure, run.scores, known)
    open_run(directory, config, run.source.fingerprint())
    clear_failure(directory)
    begin_session(directory)
    if choice is not None and known is None:
        weights.write(choice)
    write_json_atomic(
        directory / "fit.json",
        {"scaling": run.scaling.describe(), "weight": None if choice is None else asdict(choice)},
    )


def _stream(run: Run, directory: Path, progress: Callable[[int], object]) -> None:
    count, images = len(run.shard), run.source.images
    rows, held_back = RowWriter(directory, SCHEMA), run.held_back()
    start = rows.completed_until()
    progress(start)
    with RunStacks(directory, count, images) as stacks:
        while start < count:
            stop = min(start + run.chunk_size, count)
            portion = Portion(run, start, stop)
            stacks.write(start, portion.in_stack_units())
            write_masks(directory, portion.measurement.operator, start, run.design.per_particle)
            rows.append(start, portion.rows() | {"held_back": held_back[start:stop]})
            progress(stop - start)
            start = stop
        stacks.finish()


def finish(run: Run, directory: Path) -> None:
    """Write what stands beside the rows and images of a run, all of which are there; last, that it is done."""
    images = run.source.images.select(slice(run.shard.start, run.shard.stop))
    shown = int(run.held_back().int().argmin())  # the first that is not held back
    portion = Portion(run, shown, shown + 1)
    clean = None if portion.clean is None else portion.clean[0, 0]
    view = portion.measurement.operator.view(portion.measurement.y)[0]
    deviation = None if portion.estimate.deviation is None else portion.estimate.deviation[0, 0]
    write_example(directory, int(portion.numbers[0]), portion.image[0, 0], clean, view, portion.estimate.x[0, 0], deviation)
    if run.write_images and not (directory / "particles.star").exists():
        write_star(
            directory / "particles.star",
            directory / "particles.mrcs",
            images.metadata,
            images.optics,
            box_size=images.box_size,
            pixel_size_angstrom=images.pixel_size_angstrom,
        )
    summary = {key: None if value != value else value for key, value in run.describe().items()}
    write_json_atomic(directory / "summary.json", summary | {"geometry": images.geometry.describe()})
    RowWriter(directory, SCHEMA).finish()
    if run.draw_example:
        rows = pd.read_parquet(directory / "rows.parquet", filters=[("particle", "==", int(portion.numbers[0]))])
        picture([read_example(directory, rows)], most_operators=1).savefig(directory / "example.png")
    end_session(directory)
    write_json_atomic(directory / "done.json", {"particles": len(run.shard)})
