"""A failed run says so in its directory, so that a sweep can go on and still be accounted for."""

from __future__ import annotations

import time
import traceback
from pathlib import Path

from cryosense.files.writing import write_json_atomic, written_whole

ERROR = "error.json"


def write_failure(directory: Path, config: str, reason: str, error: Exception) -> None:
    """Write ``error.json`` (error, type, traceback, time) to the run's directory, and ``config.yaml`` if it is not there.

    Raises:
        OSError: there is no room even for that.
    """
    directory.mkdir(parents=True, exist_ok=True)
    if not (directory / "config.yaml").is_file():
        with written_whole(directory / "config.yaml") as unfinished:
            unfinished.write_text(config)
    lines = traceback.format_exception(error)
    content = {
        "error": reason,
        "type": type(error).__name__,
        "traceback": "".join(lines),
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }
    write_json_atomic(directory / ERROR, content)


def clear_failure(directory: Path) -> None:
    """Remove what an earlier failed attempt left: the run is being made again."""
    (directory / ERROR).unlink(missing_ok=True)
