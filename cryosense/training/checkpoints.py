"""What a training run resumes from: its state and all losses so far."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO

from cryosense.files.untrusted import UntrustedFileError, read_torch
from cryosense.files.writing import write_torch
from cryosense.training.loggers import LossTable


class WholeFiles(TorchCheckpointIO):
    """Checkpoint files that appear under their name whole or not at all, and leave nothing elsewhere."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        del storage_options
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        write_torch(Path(path), checkpoint)


class Checkpoints(Checkpoint):
    """A callback that keeps ``last.ckpt`` in a folder, with the losses logged so far; each file is whole or not there at all.

    A step at which the model is validated is kept once that is done: a run that resumes there has its losses, and one that was
    killed before resumes from the previous checkpoint and validates again.

    Args:
        folder: where ``last.ckpt`` is written.
        every_steps: optimiser steps between checkpoints.
    """

    def __init__(self, folder: Path, every_steps: int) -> None:
        self.path, self.every_steps = folder / "last.ckpt", every_steps
        self._losses: list[dict[str, Any]] = []
        self._last = 0

    def on_fit_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        for table in _tables(trainer):
            table.rows = list(self._losses)
        self._last = trainer.global_step

    def on_train_batch_end(self, trainer: pl.Trainer, module: pl.LightningModule, *_: object) -> None:
        every = trainer.val_check_batch
        if every is None or (trainer.fit_loop.total_batch_idx + 1) % every != 0:
            self._keep(trainer, _about_to_be_logged(trainer))

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self._keep(trainer)

    def state_dict(self) -> dict[str, Any]:
        return {"losses": self._losses}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._losses = state_dict["losses"]

    def _keep(self, trainer: pl.Trainer, pending: Sequence[dict[str, Any]] = ()) -> None:
        """Write the checkpoint; ``pending``: rows that are logged only after this."""
        step = trainer.global_step
        # Batches of one accumulated step have the same number.
        if step % self.every_steps or step == self._last or trainer.sanity_checking:
            return
        self._last = step
        for table in _tables(trainer):
            table.save()
            self._losses = [*table.rows, *pending]
        trainer.save_checkpoint(self.path)  # by all processes, of which the first writes


def _about_to_be_logged(trainer: pl.Trainer) -> list[dict[str, Any]]:
    """Return the row of this step, which Lightning writes only once all callbacks have seen the end of the batch."""
    every = int(getattr(trainer, "log_every_n_steps", 0))
    if every == 0 or trainer.global_step % every:
        return []
    losses = {name: float(value) for name, value in trainer.logged_metrics.items() if name.startswith("train/")}
    return [{"epoch": float(trainer.current_epoch), "step": trainer.global_step - 1, **losses}]


def _tables(trainer: pl.Trainer) -> list[LossTable]:
    return [logger for logger in trainer.loggers if isinstance(logger, LossTable)]


def step_of(checkpoint: Path) -> int:
    """Return the step at which a checkpoint was written, 0 if there is none.

    Raises:
        UntrustedFileError: a file that is not a checkpoint, or a damaged one.
    """
    if not checkpoint.is_file():
        return 0
    content = read_torch(checkpoint)
    step = content.get("global_step") if isinstance(content, dict) else None
    if not isinstance(step, int):
        raise UntrustedFileError(f"{checkpoint}: holds no global_step, so it is not a checkpoint: remove it to start again")
    return step
