"""Where losses are written: one history, however often a run was begun again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only

from cryosense.errors import MissingExtraError
from cryosense.files.writing import written_whole


class LossTable(Logger):
    """A CSV file with a row for each time that losses were logged: ``epoch``, ``step`` and their names, empty where not.

    The rows are kept with each checkpoint, which a run that goes on takes them from.
    """

    name, version = "losses", ""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.rows: list[dict[str, Any]] = []

    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        """They stand in the run's configuration."""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.rows.append({"epoch": metrics.get("epoch"), "step": step, **{name: float(x) for name, x in metrics.items()}})

    @rank_zero_only
    def save(self) -> None:
        if self.rows:
            with written_whole(self.path) as unfinished:
                pd.DataFrame(self.rows).to_csv(unfinished, index=False)

    @rank_zero_only
    def finalize(self, status: str) -> None:
        del status
        self.save()


def csv(directory: Path, first_step: int) -> Logger:
    """-> the table ``directory / "losses.csv"``."""
    del first_step
    return LossTable(directory / "losses.csv")


def tensorboard(directory: Path, first_step: int) -> Logger:
    """-> TensorBoard's events below ``directory / "tensorboard"``; those of steps that are made again are not shown."""
    from lightning.pytorch.loggers import TensorBoardLogger

    with _needed("tensorboard"):
        return TensorBoardLogger(directory, name="tensorboard", version="", purge_step=first_step)


def wandb(directory: Path, first_step: int, *, project: str = "cryosense", offline: bool = False) -> Logger:
    """-> a run of Weights & Biases; started again it is the same run, named by the directory."""
    from lightning.pytorch.loggers import WandbLogger

    with _needed("wandb"):
        return WandbLogger(project=project, name=directory.name, id=directory.name, save_dir=directory, offline=offline)


@contextmanager
def _needed(extra: str) -> Iterator[None]:
    """Raises MissingExtraError that says what to install where the logger's library is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"logger={extra} needs a library that is not installed: pip install 'cryosense[{extra}]'"
        ) from error
