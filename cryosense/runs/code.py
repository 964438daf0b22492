"""Which code computes the numbers, so that a run begun or made by other code is not mistaken for one of this code."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import cryosense

PACKAGE = Path(cryosense.__file__).resolve().parent
# Code that shows, stores or names results computes no numbers.
WITHOUT_NUMBERS = {"cli", "reporting", "runs", "files", "errors", "shown", "__init__", "__main__", "conf"}


def number_rooms() -> tuple[str, ...]:
    """Return the names of the modules and folders of the package that compute numbers."""
    return tuple(sorted({path.stem for path in PACKAGE.iterdir() if _is_code(path)} - WITHOUT_NUMBERS))


def code_version(rooms: Iterable[str] = ()) -> str:
    """Return the package's version and a digest of these sub-packages' sources; by default all that compute numbers."""
    return _code_version(tuple(rooms) or number_rooms())


@cache
def _code_version(rooms: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    for room in rooms:
        found = [PACKAGE / f"{room}.py", *sorted((PACKAGE / room).rglob("*.py"))]
        for path in found:
            if path.is_file():
                digest.update(f"{path.relative_to(PACKAGE)}\n".encode() + path.read_bytes())
    return f"cryosense {_package_version()}, sources {digest.hexdigest()[:12]}"


def _package_version() -> str:
    try:
        return version("cryosense")
    except PackageNotFoundError:
        return "of no installed package"


def _is_code(path: Path) -> bool:
    return path.suffix == ".py" or (path / "__init__.py").is_file()
