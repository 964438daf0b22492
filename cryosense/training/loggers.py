"""Where losses are written: each start of a run has a log of its own, so that none before it is overwritten."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lightning.pytorch.loggers import CSVLogger, Logger

from cryosense.errors import MissingExtraError


def csv(directory: Path, first_step: int) -> Logger:
    """-> a log below ``directory / "losses"``, named by the step it begins with."""
    return CSVLogger(directory, name="losses", version=_version(directory / "losses", first_step))


def tensorboard(directory: Path, first_step: int) -> Logger:
    """-> TensorBoard's events below ``directory / "tensorboard"``."""
    from lightning.pytorch.loggers import TensorBoardLogger

    with _needed("tensorboard"):
        return TensorBoardLogger(directory, name="tensorboard", version=_version(directory / "tensorboard", first_step))


def wandb(directory: Path, first_step: int, *, project: str, offline: bool) -> Logger:
    """-> a run of Weights & Biases; started again it is the same run, named by the directory."""
    from lightning.pytorch.loggers import WandbLogger

    with _needed("wandb"):
        return WandbLogger(project=project, name=directory.name, id=directory.name, save_dir=directory, offline=offline)


@contextmanager
def _needed(extra: str) -> Iterator[None]:
    """Raises ArgumentError that says what to install where the logger's library is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"logger={extra} needs a library that is not installed: pip install 'cryosense[{extra}]'"
        ) from error


def _version(folder: Path, first_step: int) -> str:
    name = f"from_step_{first_step:07d}"
    taken = sum(path.name.startswith(name) for path in folder.iterdir()) if folder.is_dir() else 0
    return name if not taken else f"{name}_{taken + 1}"
