"""A sweep accounts for its cells: which there are, before the first; which failed, after the last."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from hydra import compose
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig
from tqdm import tqdm

from cryosense.cli.cells import Cell
from cryosense.cli.refusal import one_line
from cryosense.errors import ConfigError
from cryosense.files.limits import read_json
from cryosense.files.writing import write_json_atomic
from cryosense.runs.failures import ERROR
from cryosense.runs.lock import locked_in_turn
from cryosense.runs.record import is_whole
from cryosense.runs.signals import lead

CELLS = "sweep.json"
# Hydra composes each cell in a tenth of a second; if all of them take longer than this, progress is shown.
QUIET_SECONDS = 3.0


class SweepAccount(Callback):
    """Writes ``sweep.json``, ``{"cells": [run directories]}``, into the output directory, and says at the end what is missing.

    Sweeps that share an output directory share the list. A sweep with a cell that is not done ends with status 1.

    Args:
        verb: whose sweeps these are; others composed from its configuration are not.
    """

    def __init__(self, verb: str) -> None:
        self.verb = verb
        self.cells: list[Cell] = []

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """List the cells. Exits with one line if a cell cannot even be composed."""
        if config.hydra.job.config_name != self.verb:
            return
        if config.hydra.launcher._target_.endswith("JoblibLauncher"):  # jobs of a queue outlive who handed them in
            lead()
        with one_line(self.verb):
            batch = tqdm(cell_overrides(config), unit="cell", desc="look at all cells", delay=QUIET_SECONDS, leave=False)
            self.cells = [Cell.of(_composed(self.verb, overrides)) for overrides in batch]
            by_output: dict[Path, list[str]] = defaultdict(list)
            for cell in self.cells:
                by_output[cell.output_dir].append(str(cell.run_directory.relative_to(cell.output_dir)))
            for output_dir, names in by_output.items():
                add_cells(output_dir / CELLS, names)

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Say how it went. Exits with status 1 unless all cells are done."""
        if not self.cells:
            return
        missing = [cell for cell in self.cells if not _is_there(cell)]
        failed = [cell for cell in missing if (cell.directory / ERROR).is_file()]
        print(f"{len(self.cells) - len(missing)} of {len(self.cells)} cells are done", end="")
        print(f", {len(missing) - len(failed)} are in other hands or were cut short" if len(missing) > len(failed) else "")
        if missing and not failed:
            raise SystemExit(f"cryosense {self.verb}: {len(missing)} of {len(self.cells)} cells are not done: start it again")
        if failed:
            lines = [f"  {cell.directory}: {json.loads((cell.directory / ERROR).read_text())['error']}" for cell in failed]
            listed = "\n".join(lines)
            raise SystemExit(f"cryosense {self.verb}: {len(failed)} of {len(self.cells)} cells failed:\n{listed}")


def cell_overrides(config: DictConfig) -> list[list[str]]:
    """Return the overrides of each cell of a sweep, as Hydra's sweeper makes them from its parameters and the command line."""
    params = config.hydra.sweeper.get("params") or {}
    words = [f"{key}={value}" for key, value in params.items()] + list(config.hydra.overrides.task)
    parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
    (batch,) = BasicSweeper.split_arguments(parser.parse_overrides(words), None)
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
