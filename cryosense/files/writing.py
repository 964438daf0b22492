"""Writing files so that each appears under its name complete or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A path to write to; the file takes its name when the block ends well and is removed when it does not."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        yield unfinished
        with unfinished.open("rb+") as file:
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def write_json_atomic(path: Path, content: object) -> None:
    """Write JSON under its name complete or not at all. Raises ValueError for NaN and infinity, which JSON does not have."""
    text = json.dumps(content, indent=2, allow_nan=False) + "\n"
    with written_whole(path) as unfinished:
        unfinished.write_text(text)
