"""``cryosense align``: particles, images or what was measured of them, and a map to poses, for a STAR file RELION takes."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hydra
import pandas as pd
from hydra.utils import instantiate
from omegaconf import DictConfig

from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.measured import refuse_idle_compression, refuse_other_measurement
from cryosense.cli.positional import in_full
from cryosense.cli.progress import progress
from cryosense.cli.refusal import one_line
from cryosense.cli.running import draw, identity, opening, say_if_done, seen
from cryosense.cli.stack_work import StackWork, say_unfinished, terms
from cryosense.reporting.figures.poses import draw_poses
from cryosense.runs.run_directory import RunDirectory
from cryosense.tasks.poses.run import FIGURE, PART, POSES, STAR, TABLE, AlignmentRun
from cryosense.tasks.poses.shares import ITERATIONS, Share

# By how many and in what portions poses are found does not change them.
WITHOUT_EFFECT = ("chunk_size", "checkpoint_particles", "shard", "device", "run")


@dataclass(frozen=True, kw_only=True)
class Work(StackWork):
    """Poses: of all particles, of one shard of them, of all shards together."""

    task: AlignmentRun
    parts: list[Path]

    def prepare(self, mean: float, deviation: float) -> None:
        """Take the mean and the deviation that particles are scaled by before they are measured."""
        self.task.alignment.particles.prepare(mean, deviation)

    def make(self, directory: RunDirectory) -> None:
        """Find all poses."""
        if self.task.refinement.iterations:
            self.task.refine(Share(self.usable, self.usable, [directory.path], 0), self.progress)
        else:
            self.task.align(directory.path, self.usable, self.usable, self.progress)
        self._finish(directory, pd.read_parquet(directory.path / TABLE))

    def make_part(self, directory: RunDirectory) -> None:
        """Find the poses of one shard; of a refinement, go on for as long as the other shards do."""
        if not self.task.refinement.iterations:
            self.task.align(directory.path, self.usable, self.own, self.progress)
        elif not self.task.refine(Share(self.usable, self.own, self.parts, self.sharding.index), self.progress):
            return
        directory.finish({"particles": len(self.own)})

    def merge(self, directory: RunDirectory, parts: list[Path]) -> None:
        """Put the poses of all shards together; of a refinement each has all."""
        if self.task.refinement.iterations:
            self.task.take_over(directory.path, parts[0])
            parts = parts[:1]
        self._finish(directory, pd.concat([pd.read_parquet(part / TABLE) for part in parts], ignore_index=True))

    def _finish(self, directory: RunDirectory, poses: pd.DataFrame) -> None:
        summary = self.task.write(directory.path, self.usable, poses)
        reference = Path(self.task.alignment.reference).name
        draw(directory.path / FIGURE, self.formats, draw_poses, poses, f"{len(poses)} particles against {reference}")
        directory.finish(summary)


def align(cfg: DictConfig) -> bool:
    """Find the poses of a composed ``align`` config unless they exist; return whether they do now, or shards are missing."""
    task: AlignmentRun = instantiate(cfg.run)
    for note in task.alignment.known.notes:
        print(f"cryosense align: {note}", file=sys.stderr)
    source, images = task.alignment.source, task.alignment.images
    files = seen([*source.files, cfg.reference])
    common = terms(cfg, source, images, files)
    known, directory = task.check(), Path(cfg.output_dir)
    if task.alignment.symmetry_note is not None:
        print(f"cryosense align: {task.alignment.symmetry_note}", file=sys.stderr)
    fingerprint = f"{source.data_fingerprint} {known.fingerprint()} {task.alignment.reference_digest()}"
    open_run = opening(cfg, POSES, identity(cfg, WITHOUT_EFFECT), fingerprint, files)
    say_if_done("align", open_run, Path(cfg.output_dir))
    total = len(images) // cfg.shard.count * max(1, task.refinement.iterations)
    with progress(total, "particle", "align") as bar:
        parts = common["sharding"].directories(directory)
        done = Work(task=task, parts=parts, progress=bar.update, **common).do(directory, open_run, PART)
        bar.update(max(0, total - bar.n))
    return done


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="align")
def _align(cfg: DictConfig) -> None:
    with one_line("align"):
        refuse_other_measurement(sys.argv[1:])
        refuse_idle_compression(cfg, sys.argv[1:])
        done = align(cfg)
    if not done:
        say_unfinished(cfg, cfg.output_dir)
        return
    directory = Path(cfg.output_dir)
    poses = pd.read_parquet(directory / TABLE)
    spread, largest = poses["cryosenseAngularSpread"], poses["rlnMaxValueProbDistribution"]
    print(f"posterior's spread about the pose: median {spread.median():.1f} degrees, above 20 for {(spread > 20).mean():.1%}")
    print(f"largest probability of one pose: median {largest.median():.2f}")
    for each in sorted(directory.glob(f"{ITERATIONS}/*/iteration.json")):
        print(f"{each.parent.name}: {describe(json.loads(each.read_text()))}")
    print(f"{directory}: {STAR}, {TABLE}; look at {FIGURE}")


def main() -> None:
    """Align, and say where; input that cannot be used ends in one line that says why."""
    sys.argv[1:] = in_full("align", sys.argv[1:])
    _align()


def describe(iteration: dict[str, Any]) -> str:
    """Return an iteration in one line."""
    resolution, turned = iteration["resolution_angstrom"], iteration["median_turn_deg"]
    said = "no resolution" if resolution is None else f"half maps {resolution:.2f} Å"
    return said + ("" if turned is None else f", poses changed by {turned:.2f} degrees (median)")
