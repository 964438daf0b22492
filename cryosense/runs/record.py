"""``done.json``: that a run is complete, a summary of it, and the files that it consists of."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryosense.errors import UnfinishedRunError, UntrustedFileError
from cryosense.files.limits import read_json
from cryosense.files.writing import write_json_atomic
from cryosense.runs.code import code_version

DONE = "done.json"
FILES = "files"
SHARDS = "shards"


@dataclass(frozen=True)
class Kind:
    """What the runs of a verb consist of, as glob patterns below their directory.

    Attributes:
        results: files with which each of them ends; all that match are in the record.
        optional: files with which some of them end; these are in the record too.
        scratch: files and folders of work in progress, removed at the end.
        beside: what is written beside the results and stays, but is not missed if it is removed.
        rooms: sub-packages of the code that makes them; see ``code_version``.
    """

    results: tuple[str, ...]
    optional: tuple[str, ...] = ()
    scratch: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    rooms: tuple[str, ...] = field(default=())

    @property
    def pictures(self) -> tuple[str, ...]:
        """The same pictures in other formats, where those were asked for: beside the results as long as these stay."""
        names = [name.removesuffix(".png") for name in (*self.results, *self.optional, *self.beside) if name.endswith(".png")]
        return tuple(f"{name}.{kind}" for name in names for kind in ("pdf", "svg"))

    @property
    def code(self) -> str:
        """Version of the code that makes them."""
        return code_version(self.rooms)


def write_record(directory: Path, kind: Kind, summary: Mapping[str, object]) -> None:
    """Record in ``done.json`` that a run is complete. Raises UnfinishedRunError if a result is missing."""
    missing = [pattern for pattern in kind.results if not matching(directory, [pattern])]
    if missing:
        raise UnfinishedRunError(f"{directory}: {', '.join(missing)} should exist by now: run again")
    found = sorted(path for path in matching(directory, (*kind.results, *kind.optional)) if path.is_file())
    files = {path.relative_to(directory).as_posix(): path.stat().st_size for path in found}
    write_json_atomic(directory / DONE, {**summary, FILES: files})


def read_record(directory: Path) -> dict[str, Any] | None:
    """Return what ``done.json`` says, None if there is none, or none that can be read."""
    try:
        return read_json(directory / DONE)
    except UntrustedFileError:
        return None


def broken_files(directory: Path, record: Mapping[str, Any]) -> list[str]:
    """Return a record's files that are missing or have another size; ``done.json`` itself if it lists none."""
    files = record.get(FILES)
    if not isinstance(files, dict):
        return [DONE]
    return [name for name, size in files.items() if _size(directory / name) != size]


def is_whole(directory: Path) -> bool:
    """Return whether a directory holds a complete run: everything that its record names is there, whole."""
    record = read_record(directory)
    return record is not None and not broken_files(directory, record)


def remove(directory: Path, patterns: Iterable[str]) -> None:
    """Remove the matching files and folders below a directory."""
    for path in matching(directory, patterns):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def shard_directory(directory: Path, index: int, count: int) -> Path:
    """Return where one of ``count`` shards of the run in ``directory`` is made."""
    return directory / SHARDS / f"{index:05d}_of_{count:05d}"


def matching(directory: Path, patterns: Iterable[str]) -> list[Path]:
    """Return the files and folders below a directory whose relative paths match one of these glob patterns."""
    return [path for pattern in patterns for path in directory.glob(pattern)]


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
