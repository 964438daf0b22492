"""A simulated data set on disk: stacks, STAR files, true volumes, labels, a picture."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

import mrcfile
import pandas as pd
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from cryosense.data import StackWriter, write_star
from cryosense.errors import ArgumentError, RunDirectoryError

from .figure import draw_dataset
from .metadata import optics_table, particle_table
from .particles import ParticleChunk, ParticleSimulator

NOISY, CLEAN = "particles", "clean"
CONFIG, DONE = "config.yaml", "done.json"
LABELS, FIGURE = "labels.csv", "simulation.png"


def simulate_dataset(
    directory: str | Path,
    simulator: ParticleSimulator,
    *,
    count: int,
    chunk_size: int,
    config: Mapping[str, object],
    begun: Callable[[Path], object],
    progress: Callable[[int], object],
) -> Path:
    """Write particles 0 ... ``count - 1`` and all that is known of them. -> the directory.

    - ``config.yaml``: ``config``, what identifies the data set, written first; ``done.json``, last.
    - ``particles.mrcs`` and ``.star`` (RELION 3.1): images with noise of deviation 1; ``clean.mrcs``, ``.star``: without it.
    - ``volume.mrc``, or ``volume_000.mrc`` ... for several states: the densities; their projections, with CTF, are the clean
      images.
    - ``labels.csv``: particle, state and what distinguishes the state. ``simulation.png``: a look at all of it.

    A finished directory of the same ``config`` is left as it is; an unfinished one is continued. ``begun`` is called with the
    directory before anything but ``config`` is written to it, ``progress`` with the number of particles done since its last
    call.

    Raises:
        ArgumentError: ``count`` or ``chunk_size`` below 1; the directory holds another data set, or files of these names.
    """
    if count < 1 or chunk_size < 1:
        raise ArgumentError(f"count is {count} and chunk_size {chunk_size}: both must be at least 1")
    directory = Path(directory)
    wanted = OmegaConf.create(dict(config))
    _refuse_another(directory, wanted)
    if not (directory / DONE).exists():
        volumes = simulator.volumes  # first of all: this is what can still fail for want of a usable density or box
        directory.mkdir(parents=True, exist_ok=True)
        _replace(directory / CONFIG, OmegaConf.to_yaml(wanted))
        begun(directory)
        metadata = _write_stacks(directory, simulator, count, chunk_size, progress)
        _write_metadata(directory, simulator, metadata)
        _write_volumes(directory, volumes, simulator.pixel_size_angstrom)
        draw_dataset(directory / FIGURE, simulator, count)
        _replace(directory / DONE, json.dumps({"count": count, "states": len(volumes)}) + "\n")
    return directory


def volume_paths(directory: Path, states: int) -> list[Path]:
    """-> (states,): where the true volumes lie."""
    if states == 1:
        return [directory / "volume.mrc"]
    return [directory / f"volume_{state:03d}.mrc" for state in range(states)]


def _refuse_another(directory: Path, wanted: DictConfig) -> None:
    """See that the directory holds nothing, or this data set or a beginning of it."""
    path = directory / CONFIG
    if path.exists():
        if OmegaConf.load(path) != wanted:
            raise RunDirectoryError(f"{path} is of another configuration: choose another output_dir, or remove {directory}")
        return
    in_the_way = [name for name in (f"{NOISY}.mrcs", f"{CLEAN}.mrcs", LABELS, DONE) if (directory / name).exists()]
    if in_the_way:
        raise RunDirectoryError(f"{directory} holds {', '.join(in_the_way)} but no {CONFIG}: choose another output_dir")


def _replace(path: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text)
    partial.replace(path)


def _write_stacks(
    directory: Path, simulator: ParticleSimulator, count: int, chunk_size: int, progress: Callable[[int], object]
) -> pd.DataFrame:
    """Fill both stacks, but for images they already hold. -> the particle table, with the column ``state`` added."""
    tables = []
    with ExitStack() as opened:
        writers = {
            name: opened.enter_context(
                StackWriter(directory / f"{name}.mrcs", count, simulator.box_size, simulator.pixel_size_angstrom)
            )
            for name in (NOISY, CLEAN)
            if not (directory / f"{name}.mrcs").exists()
        }
        written = [writer.written for writer in writers.values()]
        for start in range(0, count, chunk_size):
            particles = range(start, min(start + chunk_size, count))
            if not all(held[particles.start : particles.stop].all() for held in written):
                _write_images(writers, simulator.chunk(particles))
            truth = simulator.truth(particles)
            tables.append(particle_table(truth, simulator.microscope).assign(state=truth.states.numpy()))
            progress(len(particles))
        for writer in writers.values():
            writer.finish()
    return pd.concat(tables, ignore_index=True)


def _write_images(writers: Mapping[str, StackWriter], chunk: ParticleChunk) -> None:
    images = {NOISY: chunk.noisy, CLEAN: chunk.clean}
    for name, writer in writers.items():
        writer.write(chunk.truth.particles.start, images[name])


def _write_metadata(directory: Path, simulator: ParticleSimulator, metadata: pd.DataFrame) -> None:
    """Write both STAR files and the labels."""
    states = metadata.pop("state")
    box, pixel = simulator.box_size, simulator.pixel_size_angstrom
    optics = optics_table(simulator.microscope, box, pixel)
    for name in (NOISY, CLEAN):
        star, stack = directory / f"{name}.star", directory / f"{name}.mrcs"
        write_star(star, stack, metadata, optics, box_size=box, pixel_size_angstrom=pixel)
    known = simulator.density.states().loc[states].reset_index(drop=True)
    labels = pd.concat([pd.DataFrame({"particle": states.index, "state": states}), known], axis=1)
    _replace(directory / LABELS, labels.to_csv(index=False))


def _write_volumes(directory: Path, volumes: Tensor, pixel_size_angstrom: float) -> None:
    """(states, n, n, n): one map per state, each there whole or not at all."""
    for path, volume in zip(volume_paths(directory, len(volumes)), volumes, strict=True):
        partial = path.with_name(path.name + ".partial")
        with mrcfile.new(partial, overwrite=True) as mrc:
            mrc.set_data(volume.numpy())
            mrc.voxel_size = pixel_size_angstrom
        partial.replace(path)
