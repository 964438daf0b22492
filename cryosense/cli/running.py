"""What verbs do alike with their run directory: what identifies a run, how its directory is opened, how figures are saved."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from cryosense.errors import ArgumentError
from cryosense.files.writing import written_whole
from cryosense.runs.inputs import Stamps, stamps
from cryosense.runs.lock import locked
from cryosense.runs.record import Kind
from cryosense.runs.shards import Opening
from cryosense.runs.signals import ending_in_order

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "pdf", "svg")  # of pictures
PICTURES = tuple(f".{each}" for each in FORMATS)
UNDATED = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}
# Nodes of the configurations in which images beside the particles' own are used, and whose these are.
USED_BY = {
    "half_paths": ({"training"}, "train"),
    "clean_path": ({"training", "fitting"}, "train, reconstruct and validate"),
}
# A run does not depend on where it is made, or on what happens to what is already there.
OF_NO_RUN = ("output_dir", "rerun", "lock_expires_hours", "formats")


def identity(cfg: DictConfig, without_effect: Iterable[str] = ()) -> str:
    """Return the resolved configuration without keys that do not change what is made. Raises OmegaConf's errors."""
    plain: Any = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    return part_of(plain, without_effect)


def part_of(plain: dict[str, Any], without_effect: Iterable[str]) -> str:
    """Return a plain configuration without some keys and those of ``OF_NO_RUN``, as YAML.

    Raises:
        ArgumentError: other images of the particles than the verb makes use of.
    """
    refuse_unused_images(plain)
    left_out = {*OF_NO_RUN, *without_effect}
    return OmegaConf.to_yaml(OmegaConf.create({key: value for key, value in plain.items() if key not in left_out}))


def refuse_unused_images(plain: Mapping[str, Any]) -> None:
    """Raise ArgumentError for clean images, or halves of frames, in a plain configuration of which they change nothing."""
    for key, (nodes, verbs) in USED_BY.items():
        data = plain.get("data")
        if not nodes & plain.keys() and isinstance(data, dict) and data.get(key) is not None:
            raise ArgumentError(f"data.{key}: of use to cryosense {verbs} alone: leave it out")


def opening(cfg: DictConfig, kind: Kind, identity: str, fingerprint: str, inputs: Stamps | None = None) -> Opening:
    """Return what run directories of a composed config are opened with. Raises ArgumentError: no such format of pictures."""
    check_formats(cfg.get("formats", ()))
    return Opening(identity, fingerprint, kind, inputs or {}, cfg.rerun, cfg.lock_expires_hours)


def say_if_done(verb: str, open_run: Opening, directory: Path) -> None:
    """Say of a run that is complete already that nothing will be made. Raises as ``open_run`` does."""
    if open_run.is_done(directory):
        print(f"cryosense {verb}: {directory}: skipped, it is done already", file=sys.stderr)


def seen(paths: Iterable[str | Path | None]) -> Stamps:
    """Return size and modification time of the files that are named."""
    return stamps(path for path in paths if path is not None)


@contextmanager
def writing(path: str | Path) -> Iterator[None]:
    """Hold the lock of a verb whose results are single files, of which this is the first, while they are written."""
    with ending_in_order(), locked(Path(path).with_name(f".{Path(path).name}.lock")):
        yield


def check_endings(files: Mapping[str, str | Path], *endings: str) -> None:
    """Look at where single files are to be written, by their keys, before any work.

    Raises:
        ArgumentError: a folder, or a name that ends as files of another kind do, of which one may be there.
    """
    for key, path in files.items():
        if Path(path).suffix.lower() not in endings:
            raise ArgumentError(f"{key}={path}: a name that ends in {' or '.join(endings)} is needed")
        if Path(path).is_dir():
            raise ArgumentError(f"{key}={path}: a folder; name a file")


def check_formats(formats: Iterable[str]) -> None:
    """Raise ArgumentError for a format that pictures are not saved in."""
    unknown = [each for each in formats if each not in FORMATS]
    if unknown:
        raise ArgumentError(f"formats={unknown[0]}: one of {', '.join(FORMATS)}")


def draw(path: Path, formats: Iterable[str], make: Callable[..., Figure], *arguments: Any, **named: Any) -> list[str]:
    """Make a figure, names with dollar signs as they are, and save it under its name and beside that in these formats."""
    from cryosense.reporting.style import plain_text

    with plain_text():
        return save(make(*arguments, **named), path, formats)


def save(figure: Figure, path: Path, formats: Iterable[str]) -> list[str]:
    """Save a figure under its name, which tells its format, and beside that in others; return the files."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    check_formats(formats)
    paths = list(dict.fromkeys([path, *(path.with_suffix(f".{each}") for each in formats)]))
    with rc_context({"svg.hashsalt": "cryosense"}):  # the same figure, the same bytes
        for each in paths:
            kind = each.suffix[1:] or "png"
            with written_whole(each) as unfinished:
                if kind == "png":  # as savefig would, which draws twice where axes make room for each other
                    FigureCanvasAgg(figure).print_png(unfinished)
                else:
                    figure.savefig(unfinished, format=kind, metadata=UNDATED.get(kind))
    return [str(each) for each in paths]
