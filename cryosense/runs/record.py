"""Whose a run's directory is: the configuration and the data that it was made of."""

from __future__ import annotations

from pathlib import Path

from cryosense.errors import RunDirectoryError
from cryosense.files.writing import written_whole

SHARDS = "shards"


def open_run(directory: Path, config: str, fingerprint: str) -> None:
    """Make the run's directory and write ``config.yaml`` and ``data.txt`` first of all, or see that they are the same.

    Raises:
        RunDirectoryError: the directory is of another configuration, or was begun on other images.
    """
    for name, text, what in (
        ("config.yaml", config, "another configuration: choose another output_dir"),
        ("data.txt", fingerprint + "\n", "other images under the same path: choose another output_dir, or remove it"),
    ):
        path = directory / name
        if path.is_file():
            if path.read_text() != text:
                raise RunDirectoryError(f"{directory} holds a run of {what} ({name} differs)")
            continue
        directory.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as unfinished:
            unfinished.write_text(text)


def shard_directory(directory: Path, index: int, count: int) -> Path:
    """-> where one of ``count`` shards of the run in ``directory`` is made."""
    return directory / SHARDS / f"{index:05d}_of_{count:05d}"
