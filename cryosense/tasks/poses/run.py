"""An alignment run on disk: portions, shards, and at its end one STAR file."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from cryosense.errors import ArgumentError
from cryosense.files.tables import write_parquet
from cryosense.runs.record import Kind
from cryosense.runs.shards import Sharding
from cryosense.tasks.maps.alignments import Alignments
from cryosense.tasks.poses.alignment import Alignment
from cryosense.tasks.poses.progress import Portions
from cryosense.tasks.poses.refinement import Refinement
from cryosense.tasks.poses.table import write_poses

STAR, TABLE, FIGURE, PORTIONS, ITERATIONS = "particles.star", "poses.parquet", "poses.png", "poses", "iterations"
POSES = Kind(results=(STAR, TABLE, FIGURE), optional=(f"{ITERATIONS}/*/*",), scratch=(PORTIONS, ".data", "*.partial"))
PART = Kind(results=(TABLE,), scratch=(PORTIONS,))  # one shard


@dataclass(frozen=True)
class AlignmentRun:
    """An alignment, and how it is gone through.

    Attributes:
        alignment: what is done.
        portions: particles in memory and between checkpoints.
        refinement: whether alignment and back-projection alternate.
        relion_root: the folder in which RELION is started, from which its files name images.
    """

    alignment: Alignment
    portions: Portions
    refinement: Refinement
    relion_root: str

    def check(self, sharding: Sharding) -> Alignments:
        """Return CTF and half sets. Raises CryosenseError for input that cannot be used; no image is read."""
        if self.refinement.iterations and sharding.count > 1:
            raise ArgumentError("shard_count: a refinement is one process; align in shards with iterations=0")
        return self.alignment.check()

    def refine(self, directory: Path, usable: Tensor, progress: Callable[[int], object]) -> None:
        """Find the poses of the particles ``usable`` (n,), alternating with maps made from them; see ``Refinement.run``."""
        poses = self.refinement.run(self.alignment, directory / ITERATIONS, usable, self.portions, progress)
        write_parquet(directory / TABLE, poses)

    @torch.no_grad()
    def align(self, directory: Path, usable: Tensor, rows: Tensor, progress: Callable[[int], object]) -> None:
        """Find the poses of the particles ``rows`` (m,) and write them to the directory as a table.

        All shards calibrate with the same of the particles that are ``usable`` (n,). What an earlier attempt found is read.
        """
        task = self.alignment
        aligner = task.aligner(task.reference_map(), task.reference_resolution_angstrom)
        calibration = task.calibrate(aligner, usable)
        portions = directory / PORTIONS
        poses = self.portions.found(portions, rows, lambda some: task.poses(aligner, calibration, some), progress)
        write_parquet(directory / TABLE, poses)
        shutil.rmtree(portions)

    def write(self, directory: Path, usable: Tensor, poses: pd.DataFrame) -> dict[str, object]:
        """Write the table and the STAR file of all particles ``usable`` (n,), and return a summary."""
        columns = poses.drop(columns="particle")
        half_set = self.alignment.known.half_set[usable]
        write_poses(directory / STAR, self.alignment.source, usable, columns, half_set, Path(self.relion_root))
        write_parquet(directory / TABLE, poses)
        return {
            "particles": len(poses),
            "median_angular_spread_deg": float(poses["cryosenseAngularSpread"].median()),
            "median_largest_probability": float(poses["rlnMaxValueProbDistribution"].median()),
        }
