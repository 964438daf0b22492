"""An alignment run on disk: portions, shards, and at its end one STAR file."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from cryosense.files.tables import write_parquet
from cryosense.files.writing import written_whole
from cryosense.runs.record import Kind, matching
from cryosense.tasks.maps.alignments import Alignments
from cryosense.tasks.poses.alignment import Alignment
from cryosense.tasks.poses.progress import Portions
from cryosense.tasks.poses.refinement import FOUND, SUMS, Refinement
from cryosense.tasks.poses.shares import ITERATIONS, Share
from cryosense.tasks.poses.table import write_poses

STAR, TABLE, FIGURE, PORTIONS = "particles.star", "poses.parquet", "poses.png", "poses"
KEPT = tuple(f"{ITERATIONS}/*/{name}" for name in ("poses.parquet", "half1.mrc", "half2.mrc", "fsc.csv", "iteration.json"))
OF_ONE = tuple(f"{ITERATIONS}/*/{name}" for name in (FOUND, SUMS, "half1", "half2"))
POSES = Kind(results=(STAR, TABLE, FIGURE), optional=KEPT, scratch=(PORTIONS, *OF_ONE, ".data", "*.partial"))
PART = Kind(results=(TABLE,), optional=KEPT, scratch=(PORTIONS,))  # one shard, whose sums others may still need


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

    def check(self) -> Alignments:
        """Return CTF and half sets. Raises CryosenseError for input that cannot be used; no image is read."""
        return self.alignment.check()

    def refine(self, share: Share, progress: Callable[[int], object]) -> bool:
        """Find poses by turns with maps of their own, see ``Refinement.run``; return whether all of them are there."""
        poses = self.refinement.run(self.alignment, share, self.portions, progress)
        if poses is not None:
            write_parquet(share.directory / TABLE, poses)
        return poses is not None

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

    def take_over(self, directory: Path, part: Path) -> None:
        """Copy what a shard has made of all particles."""
        for path in matching(part, KEPT):
            target = directory / path.relative_to(part)
            target.parent.mkdir(parents=True, exist_ok=True)
            with written_whole(target) as unfinished:
                shutil.copyfile(path, unfinished)

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
