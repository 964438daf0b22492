"""What verbs do alike with their run directory: what identifies a run, how its directory is opened, how figures are saved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from cryosense.files.writing import written_whole
from cryosense.runs.inputs import Stamps, stamps
from cryosense.runs.lock import locked
from cryosense.runs.record import Kind
from cryosense.runs.shards import Opening
from cryosense.runs.signals import ending_in_order

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# A run does not depend on where it is made, or on what happens to what is already there.
OF_NO_RUN = ("output_dir", "rerun", "lock_expires_hours")


def identity(cfg: DictConfig, without_effect: Iterable[str] = ()) -> str:
    """Return the resolved configuration without keys that do not change what is made. Raises OmegaConf's errors."""
    plain: Any = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    return part_of(plain, without_effect)


def part_of(plain: dict[str, Any], without_effect: Iterable[str]) -> str:
    """Return a plain configuration without some keys and those of ``OF_NO_RUN``, as YAML."""
    left_out = {*OF_NO_RUN, *without_effect}
    return OmegaConf.to_yaml(OmegaConf.create({key: value for key, value in plain.items() if key not in left_out}))


def opening(cfg: DictConfig, kind: Kind, identity: str, fingerprint: str, inputs: Stamps | None = None) -> Opening:
    """Return what the run directories of a composed config are opened with."""
    return Opening(identity, fingerprint, kind, inputs or {}, cfg.rerun, cfg.lock_expires_hours)


def seen(paths: Iterable[str | Path | None]) -> Stamps:
    """Return size and modification time of the files that are named."""
    return stamps(path for path in paths if path is not None)


@contextmanager
def writing(path: str | Path) -> Iterator[None]:
    """Hold the lock of a verb whose results are single files, of which this is the first, while they are written."""
    with ending_in_order(), locked(Path(path).with_name(f".{Path(path).name}.lock")):
        yield


def save(figure: Figure, path: Path) -> None:
    """Save a figure, whole or not at all; its name determines the format."""
    with written_whole(path) as unfinished:
        figure.savefig(unfinished, format=path.suffix[1:] or "png")
