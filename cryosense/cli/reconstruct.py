"""The verb ``cryosense reconstruct``: data x operator x reconstructor, with one run directory for each combination."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import hydra
import pandas as pd
import torch
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from hydra.utils import instantiate
from omegaconf import DictConfig

from cryosense.cli.building import build, ctf_of, open_source
from cryosense.cli.cells import Cell
from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.measured import refuse_other_measurement
from cryosense.cli.positional import in_full
from cryosense.cli.progress import progress, steps_on
from cryosense.cli.refusal import cause, one_line, reason
from cryosense.cli.running import check_formats, draw, opening, seen
from cryosense.cli.told import run_in_words
from cryosense.data import ParticleSource
from cryosense.errors import BusyError
from cryosense.measurement.particle_ctf import ParticleCtf
from cryosense.reporting.tables.examples import read_example
from cryosense.reporting.trackers import tracked
from cryosense.runs.devices import device_named
from cryosense.runs.failures import write_failure
from cryosense.runs.inputs import Stamps
from cryosense.runs.lock import locked
from cryosense.runs.record import is_whole
from cryosense.runs.run_directory import RunDirectory
from cryosense.runs.shards import part_of
from cryosense.runs.signals import follow
from cryosense.tasks.reconstruct.execution import RECONSTRUCTION, execute
from cryosense.tasks.reconstruct.run import Run
from cryosense.tasks.reconstruct.shards import merge
from cryosense.tasks.reconstruct.weights import WeightCache


@dataclass(frozen=True)
class Work:
    """What is to do in the directories of one cell: of the run, of a shard of it, and of all shards together."""

    cfg: DictConfig
    cell: Cell
    source: ParticleSource
    files: Stamps
    progress: Callable[[int], object]
    says: Callable[[str, int, int], object]
    ctf: ParticleCtf | None

    def make(self, directory: RunDirectory) -> None:
        """Make the undivided run."""
        execute(self._run(), directory.path, self._weights, self.progress)
        self._finish(directory)

    def make_part(self, directory: RunDirectory) -> None:
        """Make this cell's shard."""
        run = self._run()
        positions = part_of(len(run.particles), self.cell.sharding)
        execute(run.part(positions, self.cell.name), directory.path, self._weights, self.progress)
        self._finish(directory)

    def merge(self, directory: RunDirectory, parts: list[Path]) -> None:
        """Make the run from its shards."""
        merge(self._run(), directory.path, parts, self._weights)
        self._finish(directory)

    def _run(self) -> Run:
        return replace(build(self.cfg, self.cell.run_id, self.source, self.files), says=self.says, ctf=self.ctf)

    @property
    def _weights(self) -> WeightCache:
        return self.cell.weights(self.source.data_fingerprint)

    def _finish(self, directory: RunDirectory) -> None:
        rows = pd.read_parquet(directory.path / "rows.parquet")
        if self.cfg.draw_example and (directory.path / "example.npz").is_file():
            from cryosense.reporting.figures.pictures import picture  # takes as long to import as some hundred particles take

            examples = [read_example(directory.path, rows)]
            draw(directory.path / "example.png", self.cfg.formats, picture, examples, most_operators=1)
        directory.finish({"particles": len(rows)})


def reconstruct(cfg: DictConfig, cell: Cell | None = None) -> Cell:
    """Do the run of a composed config, or what is missing of its shard, unless it is done; return its ``cell``."""
    if cfg.threads is not None:
        torch.set_num_threads(cfg.threads)
    check_formats(cfg.formats)
    device_named(cfg.device)  # refused before anything is opened
    cell, source = cell or Cell.of(cfg), open_source(cfg)
    files = seen(source.files)
    ctf = ctf_of(cfg, source)
    fingerprint = source.data_fingerprint if ctf is None else f"{source.data_fingerprint} {ctf.fingerprint()}"
    if ctf is not None:
        print(f"cryosense reconstruct: {ctf.said()}", file=sys.stderr)
    open_run = opening(cfg, RECONSTRUCTION, cell.identity, fingerprint, files)
    count = (len(source.images) if cfg.particles is None else cfg.particles) // cell.sharding.count
    with progress(count, "particle", f"{cell.label}: looks at all images") as bar:

        def done_more(particles: int) -> None:
            bar.set_description(cell.label, refresh=False)
            bar.update(particles)

        work = Work(cfg, cell, source, files, done_more, steps_on(bar, cell.label), ctf)
        done = cell.sharding.make(cell.run_directory, open_run, work.make, work.make_part, work.merge)
        bar.update(count - bar.n)
    if done:
        with suppress(BusyError), locked(cell.run_directory / ".tracker.lock"):
            tracked(instantiate(cfg.tracker), cell.run_directory)
    return cell


def reconstruct_and_tell(cfg: DictConfig, cell: Cell) -> None:
    """As ``reconstruct``, and print how it went; the last line is the run's directory."""
    skipped = is_whole(cell.run_directory)
    directory = reconstruct(cfg, cell).directory_now
    # A shard that is not the last has no table of the run yet.
    told = (directory / "rows.parquet").is_file()
    print(f"{run_in_words(directory, skipped=skipped)}\n{directory}" if told else directory)


def reconstruct_in_sweep(cfg: DictConfig) -> None:
    """Do as ``reconstruct``, but record whatever goes wrong in the run's directory, and let the sweep go on."""
    follow()
    cell = Cell.of(cfg)
    try:
        reconstruct_and_tell(cfg, cell)
    except BusyError as busy:
        print(f"left to others: {busy}")
    except Exception as error:  # noqa: BLE001 - a defect in one cell must not cost its neighbours; error.json has the traceback
        print(f"cryosense reconstruct: {cell.directory}: {reason(error)}", file=sys.stderr)
        write_failure(cell.directory, cell.own_identity, reason(error), cause(error))


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="reconstruct")
def _reconstruct(cfg: DictConfig) -> None:
    with one_line("reconstruct"):
        if HydraConfig.get().mode == RunMode.MULTIRUN:
            reconstruct_in_sweep(cfg)
        else:
            reconstruct_and_tell(cfg, Cell.of(cfg))


def main() -> None:
    """Reconstruct what the command line names; input that cannot be used ends in one line that says why."""
    sys.argv[1:] = in_full("reconstruct", sys.argv[1:])
    with one_line("reconstruct"):
        refuse_other_measurement(sys.argv[1:])
    _reconstruct()
