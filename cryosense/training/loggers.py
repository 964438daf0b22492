"""Where losses are written: one history, however often a run was restarted."""

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
    """A CSV file with one row per logging: ``epoch``, ``step`` and the losses by name, empty where there are none.

    The rows are stored in each checkpoint, from which a resumed run takes them.
    """

    name, version = "losses", ""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.rows: list[dict[str, Any]] = []

    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        """Write nothing: hyperparameters are in the run's configuration."""

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
    """Return the logger that writes ``directory / "losses.csv"``."""
    del first_step
    return LossTable(directory / "losses.csv")


def tensorboard(directory: Path, first_step: int) -> Logger:
    """Return a TensorBoard logger in ``directory / "tensorboard"``; events of repeated steps are hidden."""
    from lightning.pytorch.loggers import TensorBoardLogger

    with _needed("tensorboard"):
        return TensorBoardLogger(directory, name="tensorboard", version="", purge_step=first_step)


def wandb(directory: Path, first_step: int, *, project: str = "cryosense", offline: bool = False) -> Logger:
    """Return a Weights & Biases run named after the directory; restarted, it is the same run."""
    from lightning.pytorch.loggers import WandbLogger

    with _needed("wandb"):
        return WandbLogger(project=project, name=directory.name, id=directory.name, save_dir=directory, offline=offline)


@contextmanager
def _needed(extra: str) -> Iterator[None]:
    """Raise MissingExtraError, saying what to install, where the logger's library is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"logger={extra} needs a library that is not installed: pip install 'cryosense[{extra}]'"
        ) from error
