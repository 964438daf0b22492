"""The verb ``cryosense backproject``: from a particle stack with poses to half maps, full map and FSC."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path

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
from cryosense.reporting.tables.resolutions import resolutions_text
from cryosense.runs.processes import give_memory_back
from cryosense.runs.run_directory import RunDirectory
from cryosense.tasks.maps.alignments import Alignments
from cryosense.tasks.maps.backprojection import BACKPROJECTION, PART, Backprojection
from cryosense.tasks.maps.files import write_maps
from cryosense.tasks.maps.half_sums import HalfSums

# By how many and in what portions the maps are made does not change them.
WITHOUT_EFFECT = ("chunk_size", "checkpoint_particles", "shard", "device", "backprojection")


MORE = 1.05  # by half maps than by the cross-FSC, from which on it is said why


@dataclass(frozen=True, kw_only=True)
class Work(StackWork):
    """Maps: of all particles, sums of one shard of them, maps of all shards together."""

    task: Backprojection
    alignments: Alignments

    def prepare(self, mean: float, deviation: float) -> None:
        """Take the mean and the deviation that particles are scaled by."""
        self.task.particles.prepare(mean, deviation)

    def make(self, directory: RunDirectory) -> None:
        """Make the maps of an undivided run."""
        self._finish(directory, self.task.accumulate(directory.path, self.alignments, self.usable, self.progress))

    def make_part(self, directory: RunDirectory) -> None:
        """Make the sums of one shard."""
        self.task.accumulate(directory.path, self.alignments, self.own, self.progress, to_be_added=True)
        directory.finish({"particles": len(self.own)})

    def merge(self, directory: RunDirectory, parts: list[Path]) -> None:
        """Make the maps of all shards."""
        self._finish(directory, self.task.total(parts, self.alignments))

    def _finish(self, directory: RunDirectory, sums: HalfSums) -> None:
        path, size = directory.path, self.alignments.pixel_size_angstrom
        made = self.task.maps(sums, self.alignments, self.usable)
        found = self.task.assessment.judge(made)
        summary = write_maps(path, made, found) | {"measured": self.task.particles.describe()}
        # Only now: what draws takes as much memory as what was made of the sums.
        give_memory_back()
        from cryosense.reporting.figures.anisotropy import draw_anisotropy
        from cryosense.reporting.figures.maps import draw_map
        from cryosense.reporting.tables.map_lines import made_of

        first, second = made.sums.particles.tolist()
        images = made_of(path, summary["measured"])
        title = f"{images}: {first} + {second} particles of {self.alignments.box_size} px at {size:g} Å"
        title += f", compression (dof) {summary['compression_dof']:.3g}"
        shown = found.table, found.resolutions, made.full_map, found.mask, size, title
        draw(path / "fsc.png", self.formats, draw_map, *shown)
        draw(path / "anisotropy.png", self.formats, draw_anisotropy, found.anisotropy, self.alignments.box_size, size)
        directory.finish(summary)


def backproject(cfg: DictConfig) -> bool:
    """Make the maps of a composed ``backproject`` config unless they exist; return whether they do, or shards are missing."""
    own = identity(cfg, WITHOUT_EFFECT)  # first: it names the keys that have no value yet
    task: Backprojection = instantiate(cfg.backprojection)
    for note in task.alignments.notes:
        print(f"cryosense backproject: {note}", file=sys.stderr)
    source, images = task.source, task.images
    files = seen([*source.files, cfg.reference, cfg.model])
    common = terms(cfg, source, images, files)
    alignments = task.check()
    open_run = opening(cfg, BACKPROJECTION, own, f"{source.data_fingerprint} {alignments.fingerprint()}", files)
    say_if_done("backproject", open_run, Path(cfg.output_dir))
    total = len(images) // cfg.shard.count
    with progress(total, "particle", "backproject") as bar:
        work = Work(task=task, alignments=alignments, progress=bar.update, **common)
        done = work.do(Path(cfg.output_dir), open_run, PART)
        bar.update(total - bar.n)
    return done


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="backproject")
def _backproject(cfg: DictConfig) -> None:
    with one_line("backproject"):
        refuse_other_measurement(sys.argv[1:])
        refuse_idle_compression(cfg, sys.argv[1:])
        made = backproject(cfg)
    if not made:
        say_unfinished(cfg, cfg.output_dir)
        return
    directory = Path(cfg.output_dir)
    print(resolutions_text(pd.read_csv(directory / "resolution.csv")))
    summary = json.loads((directory / "done.json").read_text())
    if summary["equivalent_particles"] is not None:
        print(worth_in_words(summary["equivalent_particles"], summary["particles"]))
    print(f"{directory}: half1.mrc, half2.mrc, map.mrc, fsc.csv, fsc.star; look at fsc.png and anisotropy.png")
    if summary["warning"] is not None:
        print(f"cryosense backproject: warning: {summary['warning']}", file=sys.stderr)


def main() -> None:
    """Back-project, and say where; input that cannot be used ends in one line that says why."""
    sys.argv[1:] = in_full("backproject", sys.argv[1:])
    _backproject()


def worth_in_words(equivalent: dict[str, float | None], particles: int) -> str:
    """Return one line: how many uncompressed particles these are worth, by half maps and by the cross-FSC."""
    by = {name: "unknown" if number is None else f"{number:.0f}" for name, number in equivalent.items()}
    said = f"{particles} particles are worth {by['cross']} uncompressed ones by the cross-FSC, {by['half_maps']} by half maps"
    more = (equivalent["half_maps"] or 0) > MORE * (equivalent["cross"] or math.inf)
    return said + (": the halves share what is not in the particles" if more else "")
