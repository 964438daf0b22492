"""Files that a run reads: whether they are still what they were when it began."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from cryosense.errors import FileError

Stamps = Mapping[Path, tuple[int, int] | None]


def stamps(paths: Iterable[str | Path]) -> Stamps:
    """Return size and modification time of each file, None where there is none; to be taken before they are first read."""
    return {Path(path): _stamp(Path(path)) for path in paths}


def changed(before: Stamps) -> list[Path]:
    """Return the files that are not what they were."""
    return [path for path, stamp in before.items() if _stamp(path) != stamp]


def digest_of(paths: Iterable[str | Path]) -> str:
    """Return a digest of the contents of files, one after the other. Raises FileError for one that cannot be read."""
    digest = hashlib.sha256()
    for path in paths:
        try:
            with Path(path).open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        except FileNotFoundError:
            raise FileError(f"{path}: no such file") from None
        except OSError as error:
            raise FileError(f"{path}: cannot be read: {error}") from error
    return digest.hexdigest()[:16]


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
