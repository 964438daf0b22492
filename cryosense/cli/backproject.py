"""``cryosense backproject``: a particle stack with poses to half maps, full map and FSC."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import hydra
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig
from torch import Tensor
from tqdm import tqdm

from cryosense.cli.building import SURVEYS
from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.refusal import one_line
from cryosense.cli.running import identity, opening, seen
from cryosense.data import SurveyRecord
from cryosense.measurement.file import MeasuredSource
from cryosense.runs.run_directory import RunDirectory
from cryosense.runs.shards import Sharding, part_of
from cryosense.tasks.maps.alignments import Alignments
from cryosense.tasks.maps.backprojection import BACKPROJECTION, PART, Backprojection
from cryosense.tasks.maps.files import write_maps
from cryosense.tasks.maps.half_sums import HalfSums

# By how many and in what portions the maps are made does not change them.
WITHOUT_EFFECT = ("chunk_size", "checkpoint_particles", "shard", "backprojection")


@dataclass(frozen=True)
class Work:
    """What is to do in the directories of a back-projection: of the run, of a shard of it, and of all shards together."""

    task: Backprojection
    alignments: Alignments
    record: SurveyRecord
    sharding: Sharding
    skip_bad: bool
    progress: Callable[[int], object]

    @cached_property
    def usable(self) -> Tensor:
        """(m,) particle numbers: every image is looked at, unless another shard has."""
        images = self.task.images
        if isinstance(self.task.source, MeasuredSource):  # they were looked at when they were measured
            return torch.arange(len(images))
        survey = self.record.survey(images, self.task.chunk_size)
        self.task.particles.prepare(survey.mean, survey.deviation)
        return survey.usable(images.path, self.skip_bad, torch.arange(len(images)))

    def make(self, directory: RunDirectory) -> None:
        """Make the maps in one."""
        self._finish(directory, self.task.accumulate(directory.path, self.alignments, self.usable, self.progress))

    def make_part(self, directory: RunDirectory) -> None:
        """Make the sums of one shard."""
        positions = part_of(len(self.usable), self.sharding)
        numbers = self.usable[positions.start : positions.stop]
        self.task.accumulate(directory.path, self.alignments, numbers, self.progress, to_be_added=True)
        directory.finish({"particles": len(numbers)})

    def merge(self, directory: RunDirectory, parts: list[Path]) -> None:
        """Make the maps of all shards."""
        self._finish(directory, self.task.total(parts, self.alignments))

    def _finish(self, directory: RunDirectory, sums: HalfSums) -> None:
        path, size = directory.path, self.alignments.pixel_size_angstrom
        made = self.task.maps(sums, self.alignments, self.usable)
        found = self.task.assessment.judge(made)
        summary = write_maps(path, made, found)
        # Only now: what draws takes as much memory as what was made of the sums.
        from cryosense.reporting.figures.anisotropy import draw_anisotropy
        from cryosense.reporting.figures.maps import draw_map

        first, second = made.sums.particles.tolist()
        title = f"{first} + {second} particles of {self.alignments.box_size} px at {size:g} Å"
        title += f", compression (dof) {summary['compression_dof']:.3g}"
        draw_map(path / "fsc.png", found.table, found.resolutions, made.full_map, found.mask, size, title)
        draw_anisotropy(path / "anisotropy.png", found.anisotropy, self.alignments.box_size, size)
        directory.finish(summary)


def backproject(cfg: DictConfig) -> bool:
    """Make the maps of a composed ``backproject`` config unless they are there. -> whether they are, or shards are missing."""
    directory, sharding = Path(cfg.output_dir), Sharding(cfg.shard.index, cfg.shard.count)
    own = identity(cfg, WITHOUT_EFFECT)  # first: it names the keys that have no value yet
    task: Backprojection = instantiate(cfg.backprojection)
    for note in task.alignments.notes:
        print(f"cryosense backproject: {note}", file=sys.stderr)
    files = seen([*task.source.files, cfg.reference, cfg.model])
    alignments = task.check()
    data = task.source.data_fingerprint
    open_run = opening(cfg, BACKPROJECTION, own, f"{data} {alignments.fingerprint()}", files)
    record = SurveyRecord.for_data(directory / SURVEYS, data, files, torch.arange(len(task.images)))
    count = len(task.images) // sharding.count
    with tqdm(total=count, unit="particle", desc="backproject") as bar:
        work = Work(task, alignments, record, sharding, cfg.data_checks.skip_bad, bar.update)
        done = sharding.make(directory, open_run, work.make, work.make_part, work.merge, PART)
        bar.update(count - bar.n)
    return done


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="backproject")
def main(cfg: DictConfig) -> None:
    """Back-project, and say where; input that cannot be used ends in one line that says why."""
    with one_line("backproject"):
        made = backproject(cfg)
    if not made:
        print(f"shard {cfg.shard.index} of {cfg.shard.count} is done, others are not yet\n{cfg.output_dir}")
        return
    directory = Path(cfg.output_dir)
    print((directory / "resolution.csv").read_text())
    summary = json.loads((directory / "done.json").read_text())
    if summary["equivalent_particles"] is not None:
        print(worth_in_words(summary["equivalent_particles"], summary["particles"]))
    print(f"{directory}: half1.mrc, half2.mrc, map.mrc, fsc.csv, fsc.star; look at fsc.png and anisotropy.png")
    if summary["warning"] is not None:
        print(f"cryosense backproject: warning: {summary['warning']}", file=sys.stderr)


def worth_in_words(equivalent: dict[str, float | None], particles: int) -> str:
    """-> one line: how many uncompressed particles these are worth, by half maps and by the cross-FSC."""
    by = {name: "unknown" if number is None else f"{number:.0f}" for name, number in equivalent.items()}
    return (
        f"{particles} particles are worth {by['cross']} uncompressed ones by the cross-FSC, {by['half_maps']} by half maps "
        "(more by half maps: the halves share what is not in the particles)"
    )
