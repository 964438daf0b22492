"""The list of molecules made anew from the installed packages: ``python -m cryosense.simulation.library.making FILE``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from cryosense.errors import ModelFileError

from .chains import Chain, chains_in
from .folds import folds, splits
from .listing import Listed, written
from .packages import PACKAGES, folder_of

LEAST_RESIDUES = 50
SUFFIXES = (".pdb", ".ent", ".cif", ".pdbqt")
COMPRESSIONS = ("", ".gz", ".bz2")
LARGEST_FILE_BYTES = 2**21  # the larger ones are simulations' boxes of water


def molecules() -> list[Listed]:
    """Return the chains of all packages that have LEAST_RESIDUES or more; of equal sequences the first.

    Raises:
        MissingExtraError: a package is not installed.
    """
    found: dict[str, tuple[Listed, Chain]] = {}
    for package in PACKAGES:
        folder = folder_of(package)
        for path in _files(folder):
            for identifier, chain in _readable(path):
                name = path.name.split(".")[0].removesuffix("_target")
                name += "" if name.endswith(identifier) else identifier
                where = path.relative_to(folder).as_posix()
                row = Listed(name, package, where, identifier, len(chain.alpha), chain.sequence_hash, "", "")
                found.setdefault(chain.sequence_hash, (row, chain))
    rows = [row for row, _ in found.values()]
    of_fold = folds([row.name for row in rows], [chain.sequence for _, chain in found.values()])
    return [
        Listed(**{**vars(row), "fold": fold, "split": split})
        for row, fold, split in zip(rows, of_fold, splits(of_fold), strict=True)
    ]


def _files(folder: Path) -> list[Path]:
    endings = tuple(suffix + compression for suffix in SUFFIXES for compression in COMPRESSIONS)
    named = sorted(path for path in folder.rglob("*") if path.name.lower().endswith(endings))
    return [path for path in named if path.stat().st_size <= LARGEST_FILE_BYTES]


def _readable(path: Path) -> Iterator[tuple[str, Chain]]:
    """Yield the chains of a file; of one that is broken, as files for tests may be, none."""
    try:
        yield from chains_in(path, LEAST_RESIDUES)
    except ModelFileError:
        return


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(written(molecules()), encoding="utf-8")
