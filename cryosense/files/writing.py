"""Writing files so that each appears under its name complete or not at all."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield a path to write to; the file takes its name when the block ends well and is removed when it does not.

    For one process at a time: what a killed one left is overwritten by the next.

    Raises:
        OSError: no room for it, or no right to write there; it names the file, which the system does not always do.
    """
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        yield unfinished
        with unfinished.open("rb+") as file:
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        if error.errno is None or error.filename not in (None, unfinished, str(unfinished)):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        unfinished.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write text under its name, complete or not at all."""
    with written_whole(path) as unfinished:
        unfinished.write_text(text)


def write_torch(path: Path, content: object) -> None:
    """Write what ``torch.save`` takes under its name, complete or not at all. Raises OSError if there is no room for it."""
    try:
        with written_whole(path) as unfinished:
            torch.save(content, unfinished)
    except RuntimeError as error:  # what torch raises for any error of the disk
        reason = str(error).strip().split("\n")[0]
        raise OSError(errno.ENOSPC, f"could not be written: is the disk full? ({reason})", str(path)) from error


def write_json_atomic(path: Path, content: object) -> None:
    """Write JSON under its name, complete or not at all. Raises ValueError for NaN and infinity, which JSON does not have."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")
