"""A run of aligning on disk: portions, shards, and at its end one STAR file."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from cryosense.data import ParticleDataError, usable_particles
from cryosense.errors import ArgumentError
from cryosense.files.tables import write_parquet
from cryosense.files.writing import write_json_atomic
from cryosense.runs.provenance import begin_session, end_session, gather_sessions
from cryosense.runs.record import open_run, shard_directory
from cryosense.tasks.poses.alignment import Alignment
from cryosense.tasks.poses.progress import Portions
from cryosense.tasks.poses.refinement import Refinement
from cryosense.tasks.poses.table import write_poses

STAR, TABLE, ITERATIONS = "particles.star", "poses.parquet", "iterations"


@dataclass(frozen=True)
class AlignmentRun:
    """An alignment, and how it is gone through.

    Attributes:
        alignment: what is done.
        portions: particles in memory and between checkpoints.
        refinement: whether aligning and back-projecting alternate.
        skip_bad: leave out particles that are constant or not finite, instead of stopping.
        shard_index, shard_count: this process takes the ``shard_index``-th part of the particles; the one that finds all
            other parts done writes the STAR file.
        relion_root: the folder that RELION is started in, from which its files name images.
    """

    alignment: Alignment
    portions: Portions
    refinement: Refinement
    skip_bad: bool
    shard_index: int
    shard_count: int
    relion_root: str

    def __post_init__(self) -> None:
        if not 0 <= self.shard_index < self.shard_count:
            raise ArgumentError(f"shard.index={self.shard_index} of shard.count={self.shard_count}: counted from 0")
        if self.refinement.iterations and self.shard_count > 1:
            raise ArgumentError("shard.count: a refinement is one process; align in shards with iterations=0")

    def execute(self, directory: Path, config: str, progress: Callable[[int], object]) -> bool:
        """Do what is still to do, nothing if it is done. -> whether the poses are there, or other shards are missing.

        Writes ``config.yaml`` (``config``, what identifies the run) first, ``provenance.json``, ``poses/`` while it works or
        ``iterations/`` (see :meth:`Refinement.run`), then ``poses.parquet``, ``particles.star`` and last ``done.json``.

        Raises:
            CryosenseError: input that cannot be used, before any work; a directory of another configuration or of other data.
        """
        known = self.alignment.check()
        identity = f"{self.alignment.source.fingerprint()} {known.fingerprint()} {self.alignment.reference_digest()}"
        open_run(directory, config, identity)
        if (directory / "done.json").is_file():
            return True
        usable = usable_particles(self.alignment.images, self.portions.chunk_size, self.skip_bad)
        if len(usable) < self.shard_count:
            raise ParticleDataError(f"shard.count={self.shard_count} for {len(usable)} particles: each needs at least one")
        parts = [shard_directory(directory, index, self.shard_count) for index in range(self.shard_count)]
        record = parts[self.shard_index] if self.shard_count > 1 else directory
        record.mkdir(parents=True, exist_ok=True)
        begin_session(record)
        if self.refinement.iterations:
            poses = self.refinement.run(self.alignment, directory / ITERATIONS, usable, self.portions, progress)
            write_parquet(record / TABLE, poses)
        else:
            self._align(record, usable, progress)
        end_session(record)
        tables = [part / TABLE for part in parts] if self.shard_count > 1 else [directory / TABLE]
        if not all(path.is_file() for path in tables):
            return False
        gather_sessions(directory, parts)
        poses = pd.concat([pd.read_parquet(path) for path in tables], ignore_index=True)
        self._write(directory, usable, poses)
        return True

    @torch.no_grad()
    def _align(self, directory: Path, usable: Tensor, progress: Callable[[int], object]) -> None:
        """Find the poses of this shard, which are then in the directory. Every shard calibrates by the same particles."""
        task = self.alignment
        aligner = task.aligner(task.reference_map(), task.reference_resolution_angstrom)
        calibration = task.calibrate(aligner, usable)
        rows = usable.tensor_split(self.shard_count)[self.shard_index]
        portions = directory / "poses"
        poses = self.portions.found(portions, rows, lambda some: task.poses(aligner, calibration, some), progress)
        write_parquet(directory / TABLE, poses)
        shutil.rmtree(portions)

    def _write(self, directory: Path, usable: Tensor, poses: pd.DataFrame) -> None:
        columns = poses.drop(columns="particle")
        half_set = self.alignment.known.half_set[usable]
        stack = self.alignment.source.images
        write_poses(directory / STAR, stack, usable, columns, half_set, Path(self.relion_root))
        write_parquet(directory / TABLE, poses)
        summary = {
            "particles": len(poses),
            "median_angular_spread_deg": float(poses["cryosenseAngularSpread"].median()),
            "median_largest_probability": float(poses["rlnMaxValueProbDistribution"].median()),
        }
        write_json_atomic(directory / "done.json", summary)
