"""Runs shown elsewhere: Weights & Biases, TensorBoard, CSV. Files on disk are the truth; what is shown is made from them."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from omegaconf import OmegaConf
from PIL import Image

from cryosense.files.tables import write_csv
from cryosense.files.writing import write_json_atomic, written_whole
from cryosense.metrics.row_columns import SCHEMA
from cryosense.reporting.tables.examples import read_example
from cryosense.shown import ShowsParameters

IDENTIFYING = ("run_id", "particle", "held_back", "seed", "block_size", "samples", "symmetric")
MEASURED = tuple(field.name for field in SCHEMA if str(field.type) in {"double", "int64"} and field.name not in IDENTIFYING)


@dataclass(frozen=True)
class FinishedRun:
    """A finished run, read from its directory."""

    directory: Path

    @property
    def name(self) -> str:
        """Name of the directory."""
        return self.directory.name

    @property
    def config(self) -> dict[str, Any]:
        """Its resolved configuration."""
        plain: Any = OmegaConf.to_container(OmegaConf.load(self.directory / "config.yaml"))
        return plain

    @property
    def rows(self) -> pd.DataFrame:
        """One row per particle."""
        return pd.read_parquet(self.directory / "rows.parquet")

    @property
    def means(self) -> dict[str, float]:
        """Means of the scores, and of what they took, over the particles that no method has learned from."""
        rows = self.rows
        counted = rows[~rows["held_back"].astype(bool)] if not rows["held_back"].all() else rows
        means = counted[list(MEASURED)].astype(float).mean()
        return {str(name): float(value) for name, value in means.items() if np.isfinite(value)}

    @property
    def panel(self) -> Path:
        """The picture of one particle, drawn if it does not exist."""
        path = self.directory / "example.png"
        if not path.is_file():
            from cryosense.reporting.figures.pictures import picture  # takes as long to import as all else here

            with written_whole(path) as unfinished:
                picture([read_example(self.directory, self.rows)], most_operators=1).savefig(unfinished, format="png")
        return path


class Tracker(ShowsParameters, ABC):
    """A place where finished runs are shown, each with its configuration, rows and picture."""

    name: str

    @abstractmethod
    def send(self, run: FinishedRun) -> None:
        """Show a run. May raise anything: nothing depends on it."""


def tracked(tracker: Tracker, directory: Path) -> None:
    """Show the finished run, once for each kind of tracker, which ``tracked_<name>.json`` records.

    A failure is a warning; starting the same run again tries again.
    """
    sent = directory / f"tracked_{tracker.name}.json"
    if sent.is_file():
        return
    try:
        tracker.send(FinishedRun(directory))
        write_json_atomic(sent, {"run": directory.name})
    except Exception as error:  # noqa: BLE001 - libraries and networks of others: whatever they raise must not cost a run
        warnings.warn(
            f"{directory} is complete, but tracker={tracker.name} failed ({type(error).__name__}: {error}); the same run "
            "tries again when it is started again",
            stacklevel=2,
        )


class NoTracker(Tracker):
    """Runs are shown nowhere else."""

    name = "none"

    def send(self, run: FinishedRun) -> None:
        del run


class CSV(Tracker):
    """``rows.csv``, ``means.csv`` and ``example.png`` in the run's directory, for programs that do not read parquet."""

    name = "csv"

    def send(self, run: FinishedRun) -> None:
        for name, table in (("rows", run.rows), ("means", pd.DataFrame([run.means]))):
            write_csv(run.directory / f"{name}.csv", table)
        _ = run.panel


class TensorBoard(Tracker):
    """Event files in ``tensorboard/<run>`` beside the run: scores as curves over particles, means, configuration, picture."""

    name = "tensorboard"

    def send(self, run: FinishedRun) -> None:
        from torch.utils.tensorboard import SummaryWriter

        with SummaryWriter(str(run.directory.parent / "tensorboard" / run.name)) as writer:
            writer.add_text("config", f"```\n{OmegaConf.to_yaml(run.config)}\n```")
            writer.add_image("panel", np.asarray(Image.open(run.panel).convert("RGB")), dataformats="HWC")
            for name, mean in run.means.items():
                writer.add_scalar(f"means/{name}", mean)
                values = run.rows[["particle", name]].dropna()
                for particle, value in values.itertuples(index=False):
                    writer.add_scalar(f"rows/{name}", float(value), int(particle))


class WandB(Tracker):
    """A Weights & Biases run for each run, by its name; until they are uploaded, they are kept in ``wandb`` beside it.

    Args:
        project: its project there.
        group: group of the runs of one sweep.
        offline: keep everything on disk, for ``wandb sync``; so does the environment variable WANDB_MODE.
    """

    name = "wandb"
    MOST_ROWS = 10_000  # in a table there; longer runs send this many, spread evenly

    def __init__(self, project: str = "cryosense", group: str | None = None, offline: bool = False) -> None:
        self.project, self.group, self.offline = project, group, offline

    def send(self, run: FinishedRun) -> None:
        import wandb

        rows = run.rows
        shown = rows.iloc[np.arange(min(len(rows), self.MOST_ROWS)) * len(rows) // min(len(rows), self.MOST_ROWS)]
        # A separate run object, finished here: the next run in this process has nothing to do with it.
        with wandb.init(
            project=self.project,
            group=self.group,
            name=run.name,
            id=run.name,
            config=run.config,
            dir=str(run.directory.parent),
            mode="offline" if self.offline else None,
            reinit="create_new",
            settings=wandb.Settings(console="off", silent=True),
        ) as shown_run:
            shown_run.log({"rows": wandb.Table(dataframe=shown), "panel": wandb.Image(str(run.panel))})
            shown_run.summary.update(run.means)
