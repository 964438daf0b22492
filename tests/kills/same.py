"""Whether two folders of results are the same, but for times."""

from __future__ import annotations

import json
from pathlib import Path

import mrcfile
import numpy as np
import pandas as pd

# When, on what and how often; a picture of the training on the way; weights on the way, with the folder's name in them.
OF_THE_WAY = {"provenance.json", "last.ckpt"}


def files(folder: Path) -> set[str]:
    """Names of all files, relative to the folder."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def difference(folder: Path, expected: Path) -> str | None:
    """-> in words what is not the same in two folders, None if nothing is."""
    found, wanted = files(folder), files(expected)
    if found != wanted:
        return f"missing: {sorted(wanted - found)}, beside: {sorted(found - wanted)}"
    for name in sorted(wanted):
        if Path(name).name not in OF_THE_WAY and not _same(folder / name, expected / name):
            return f"{name} differs"
    return None


def _same(path: Path, other: Path) -> bool:
    if path.name == "rows.parquet":
        tables = (pd.read_parquet(each).drop(columns="seconds") for each in (path, other))
        return next(tables).equals(next(tables))
    if path.suffix == ".mrc":  # mrcfile writes the time into the header
        return np.array_equal(mrcfile.read(path), mrcfile.read(other), equal_nan=True)
    if path.suffix == ".star":  # the first line is a time
        return _lines(path)[1:] == _lines(other)[1:]
    if path.suffix == ".npz":
        with np.load(path) as one, np.load(other) as two:
            return set(one) == set(two) and all(np.array_equal(one[name], two[name], equal_nan=True) for name in one)
    if path.name == "done.json":  # rows take as much room as their times do
        one, two = (json.loads(each.read_text()) for each in (path, other))
        return one | {"files": set(one["files"])} == two | {"files": set(two["files"])}
    if path.name in ("report.html", "sweep.json"):  # when it was made; in which order cells were added
        return path.stat().st_size > 0
    return path.read_bytes() == other.read_bytes()


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines()
