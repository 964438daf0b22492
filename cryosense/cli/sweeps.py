"""A sweep accounts for its cells: which there are, before the first; which failed, after the last."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from hydra import compose
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException
from tqdm import tqdm

from cryosense.cli.cells import Cell
from cryosense.cli.refusal import one_line, reason
from cryosense.cli.workers import lead_workers
from cryosense.errors import ConfigError, CryosenseError, ForeignConfigError
from cryosense.files.limits import read_json
from cryosense.files.writing import write_json_atomic
from cryosense.runs.failures import ERROR
from cryosense.runs.lock import LOCK, locked_in_turn, remove_dead
from cryosense.runs.record import is_whole

CELLS = "sweep.json"
# Hydra composes each cell in a tenth of a second; if all of them take longer than this, progress is shown.
QUIET_SECONDS = 3.0
SPLIT_ARGUMENTS = BasicSweeper.split_arguments


class SweepAccount(Callback):
    """Writes ``sweep.json``, ``{"cells": [run directories]}``, into the output directory, and says at the end what is missing.

    Sweeps that share an output directory share the list. Cells that cannot even be composed are named, and the others run. A
    sweep of which a cell is not done ends with status 1.

    Args:
        verb: whose sweeps these are; others composed from its configuration are not.
    """

    def __init__(self, verb: str) -> None:
        self.verb = verb
        self.cells: list[Cell] = []
        self.refused: list[tuple[list[str], str]] = []

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """List the cells. Exits with one line where none of them can be composed."""
        if config.hydra.job.config_name != self.verb:
            return
        if config.hydra.launcher._target_.endswith("JoblibLauncher"):  # jobs of a queue outlive who handed them in
            lead_workers(self.verb, self._remove_locks)
        with one_line(self.verb):
            batch = tqdm(cell_overrides(config), unit="cell", desc="look at all cells", delay=QUIET_SECONDS, leave=False)
            for overrides in batch:
                self._look_at(overrides)
            if not self.cells:
                raise ConfigError(self.refused[0][1])
            for _, why in self.refused:
                print(f"cryosense {self.verb}: left out: {why}", file=sys.stderr)
            leave_out([overrides for overrides, _ in self.refused])
            by_output: dict[Path, list[str]] = defaultdict(list)
            for cell in self.cells:
                by_output[cell.output_dir].append(str(cell.run_directory.relative_to(cell.output_dir)))
            for output_dir, names in by_output.items():
                add_cells(output_dir / CELLS, names)

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Say how it went. Exits with status 1 unless all cells are done."""
        if not self.cells:
            return
        leave_out([])
        missing = [cell for cell in self.cells if not _is_there(cell)]
        failed = [cell for cell in missing if (cell.directory / ERROR).is_file()]
        count = len(self.cells) + len(self.refused)
        print(f"{len(self.cells) - len(missing)} of {count} cells are done", end="")
        print(f", {len(missing) - len(failed)} are in other hands or were cut short" if len(missing) > len(failed) else "")
        if missing and not failed and not self.refused:
            raise SystemExit(f"cryosense {self.verb}: {len(missing)} of {count} cells are not done: start it again")
        if failed or self.refused:
            lines = [f"  {cell.directory}: {json.loads((cell.directory / ERROR).read_text())['error']}" for cell in failed]
            lines += [f"  {why}" for _, why in self.refused]
            listed = "\n".join(lines)
            raise SystemExit(f"cryosense {self.verb}: {len(lines)} of {count} cells failed:\n{listed}")

    def _remove_locks(self) -> None:
        for cell in self.cells:
            remove_dead(cell.run_directory / LOCK)

    def _look_at(self, overrides: list[str]) -> None:
        try:
            self.cells.append(Cell.of(_composed(self.verb, overrides)))
        except ForeignConfigError:  # nothing of what is not trusted is run, its neighbours included
            raise
        except (CryosenseError, OmegaConfBaseException) as error:
            self.refused.append((overrides, reason(error)))


def leave_out(cells: list[list[str]]) -> None:
    """Have Hydra's sweeper, which would stop at the first that it cannot compose, make all but these."""

    def split_arguments(overrides: list[Override], max_batch_size: int | None) -> list[list[list[str]]]:
        (batch,) = SPLIT_ARGUMENTS(overrides, None)
        made = [each for each in batch if each not in cells]
        return [list(chunk) for chunk in BasicSweeper.split_overrides_to_chunks(made, max_batch_size)]

    # The class by its name: Hydra, looking for plugins, reads the module once more and makes another.
    sweeper: Any = Plugins.instance().class_name_to_class[f"{BasicSweeper.__module__}.{BasicSweeper.__name__}"]
    sweeper.split_arguments = staticmethod(split_arguments if cells else SPLIT_ARGUMENTS)


def cell_overrides(config: DictConfig) -> list[list[str]]:
    """Return the overrides of each cell of a sweep, as Hydra's sweeper makes them from its parameters and the command line."""
    params = config.hydra.sweeper.get("params") or {}
    words = [f"{key}={value}" for key, value in params.items()] + list(config.hydra.overrides.task)
    parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
    (batch,) = SPLIT_ARGUMENTS(parser.parse_overrides(words), None)
    return batch


def add_cells(path: Path, names: list[str]) -> None:
    """Add run directories to the list, which holds each once."""
    with locked_in_turn(path.with_suffix(".lock")):
        known = read_json(path)["cells"] if path.is_file() else []
        write_json_atomic(path, {"cells": list(dict.fromkeys([*known, *names]))})


def _composed(verb: str, overrides: list[str]) -> DictConfig:
    try:
        return compose(verb, overrides=overrides)
    except HydraException as error:
        raise ConfigError(str(error)) from error


def _is_there(cell: Cell) -> bool:
    failed = (cell.directory / ERROR).is_file()
    return not failed and any(is_whole(directory) for directory in (cell.directory, cell.run_directory))
