"""A simulated data set on disk: stacks, STAR files, true volumes, labels and a picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import mrcfile
import pandas as pd
from torch import Tensor

from cryosense.data import StackWriter, write_star
from cryosense.errors import ArgumentError
from cryosense.files.writing import write_text, written_whole
from cryosense.runs.record import Kind

from .metadata import optics_table, particle_table
from .particles import ParticleChunk, ParticleSimulator
from .varied import VariedSimulator

Simulator = ParticleSimulator | VariedSimulator

NOISY, CLEAN = "particles", "clean"
LABELS, FIGURE = "labels.csv", "simulation.png"
SIMULATION = Kind(
    results=(*(f"{name}.{kind}" for name in (NOISY, CLEAN) for kind in ("mrcs", "star")), "volume*.mrc", LABELS, FIGURE),
    scratch=("*.partial",),
    rooms=("biology", "cpu_tiles", "data", "fourier", "seeding", "simulation", "volumes"),
)
# Under varied conditions there is no one density to be written.
VARIED = replace(SIMULATION, results=tuple(name for name in SIMULATION.results if not name.startswith("volume")))


def write_dataset(
    directory: Path,
    simulator: Simulator,
    *,
    count: int,
    chunk_size: int,
    progress: Callable[[int], object],
    relion_root: str | None = None,
) -> dict[str, int]:
    """Write particles 0 to ``count - 1`` and all that is known about them; return a summary.

    - ``particles.mrcs`` and ``.star`` (RELION 3.1): images with noise of standard deviation 1; ``clean.mrcs`` and ``.star``:
      without it.
    - ``volume.mrc``, or ``volume_000.mrc`` and so on for several states: the densities, whose projections, with CTF, are the
      clean images. Where pixel sizes vary there are none, and each micrograph is an optics group.
    - ``labels.csv``: particle, state and what distinguishes the state; where conditions vary, also these.

    STAR files name images as seen from their own folder, so that it can be copied, or from ``relion_root``, see
    ``naming_folder``. What an earlier attempt left in the directory is continued. ``progress`` is called with the number
    of particles done since its last call.

    Raises:
        ArgumentError: ``count`` or ``chunk_size`` below 1; a density or a box that cannot be used.
    """
    if count < 1 or chunk_size < 1:
        raise ArgumentError(f"count is {count} and chunk_size {chunk_size}: both must be at least 1")
    volumes = simulator.volumes  # first of all: this can still fail for lack of a usable density or box
    metadata, labels = _write_stacks(directory, simulator, count, chunk_size, progress)
    _write_metadata(directory, simulator, metadata, relion_root)
    write_text(directory / LABELS, labels.to_csv(index=False))
    _write_volumes(directory, volumes, common_pixel_size(simulator, count))
    return {"count": count, "states": labels["state"].nunique() if isinstance(simulator, VariedSimulator) else len(volumes)}


def common_pixel_size(simulator: Simulator, count: int) -> float | None:
    """Return the pixel size in Angstrom of the first ``count`` particles, None where it differs."""
    sizes = set(simulator.group_pixel_sizes_angstrom(count))
    return sizes.pop() if len(sizes) == 1 else None


def volume_paths(directory: Path, states: int) -> list[Path]:
    """Return the paths of the true volumes, (states,)."""
    if states == 1:
        return [directory / "volume.mrc"]
    return [directory / f"volume_{state:03d}.mrc" for state in range(states)]


def _write_stacks(
    directory: Path, simulator: Simulator, count: int, chunk_size: int, progress: Callable[[int], object]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fill both stacks with the images they lack; return the particle table and the labels."""
    tables, labels = [], []
    varied = isinstance(simulator, VariedSimulator)
    pixel = common_pixel_size(simulator, count)
    with ExitStack() as opened:
        writers = {
            name: opened.enter_context(StackWriter(directory / f"{name}.mrcs", count, simulator.box_size, pixel))
            for name in (NOISY, CLEAN)
            if not (directory / f"{name}.mrcs").exists()
        }
        written = [writer.written for writer in writers.values()]
        for start in range(0, count, chunk_size):
            particles = range(start, min(start + chunk_size, count))
            if not all(held[particles.start : particles.stop].all() for held in written):
                _write_images(writers, simulator.chunk(particles))
            truth = simulator.truth(particles)
            tables.append(particle_table(truth, simulator.microscope, group_per_micrograph=varied))
            labels.append(simulator.labels(truth))
            progress(len(particles))
        for writer in writers.values():
            writer.finish()
    known = pd.concat(labels, ignore_index=True)
    known.insert(0, "particle", range(count))
    return pd.concat(tables, ignore_index=True), known


def _write_images(writers: Mapping[str, StackWriter], chunk: ParticleChunk) -> None:
    images = {NOISY: chunk.noisy, CLEAN: chunk.clean}
    for name, writer in writers.items():
        writer.write(chunk.truth.particles.start, images[name])


def _write_metadata(directory: Path, simulator: Simulator, metadata: pd.DataFrame, relion_root: str | None) -> None:
    """Write both STAR files."""
    box, pixel = simulator.box_size, common_pixel_size(simulator, len(metadata))
    optics = optics_table(simulator.microscope, box, simulator.group_pixel_sizes_angstrom(len(metadata)))
    for name in (NOISY, CLEAN):
        star, stack = directory / f"{name}.star", directory / f"{name}.mrcs"
        write_star(star, stack, metadata, optics, box_size=box, pixel_size_angstrom=pixel, root=relion_root)


def _write_volumes(directory: Path, volumes: Tensor, pixel_size_angstrom: float | None) -> None:
    """Write one map per state from volumes (states, n, n, n); each file is whole or missing."""
    for path, volume in zip(volume_paths(directory, len(volumes)), volumes, strict=True):
        with written_whole(path) as unfinished, mrcfile.new(unfinished, overwrite=True) as mrc:
            mrc.set_data(volume.numpy())
            mrc.voxel_size = pixel_size_angstrom
