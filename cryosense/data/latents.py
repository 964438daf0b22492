"""Latents of particles from files, and what is known about the same particles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from cryosense.errors import ParticleDataError, UntrustedFileError
from cryosense.files.limits import require_regular
from cryosense.files.pickles import load_arrays
from cryosense.files.tables import read_csv

from .star import read_star
from .tables import typed

MOST_NUMBERS = 2**28
LARGEST_CSV_BYTES = 2**30


def read_latents(path: Path) -> np.ndarray:
    """Return latents, (n, d) float64, from cryoDRGN's ``z.N.pkl`` (the means, which come first) or a ``.npy`` array.

    The array is (n, d) or (n,).

    Raises:
        ParticleDataError: anything else; objects, which are refused before they are called; values that are not finite;
            latents that are the same for all particles.
    """
    suffix = _suffix(path, {".pkl", ".npy"}, "latents: give cryoDRGN's z.N.pkl or a .npy array")
    if suffix == ".pkl":
        arrays = load_arrays(path)
        if len(arrays) != 1:
            raise ParticleDataError(f"{path}: holds {len(arrays)} arrays: not cryoDRGN's latents (z.N.pkl)")
        latents = arrays[0]
    else:
        with np.errstate(invalid="ignore"):  # from signalling NaNs; they are refused below
            latents = _read_npy(path).astype(np.float64)
    latents = latents[:, None] if latents.ndim == 1 else latents
    if latents.ndim != 2 or min(latents.shape) < 1:
        raise ParticleDataError(f"{path}: an array of shape {latents.shape} is not latents (particles, dimensions)")
    bad = np.flatnonzero(~np.isfinite(latents).all(1))
    if len(bad):
        raise ParticleDataError(f"{path}: the latents of {len(bad)} particle(s) are not finite, the first of them {bad[0]}")
    if len(latents) > 1 and (latents == latents[0]).all():
        raise ParticleDataError(f"{path}: the latents are the same for all particles")
    return latents


def read_classes(path: Path, column: str | None) -> np.ndarray:
    """Return classes (n,) int64, 0, 1, ... in sorted order of their names in the file; files as for ``read_coordinate``.

    Raises:
        ParticleDataError: missing values, or a single class.
    """
    values = _read_column(path, column)
    if values.isna().any():
        raise ParticleDataError(f"{path}: {_named(column)} is missing for {int(values.isna().sum())} particle(s)")
    names, classes = np.unique(values.to_numpy(), return_inverse=True)
    if len(names) < 2:
        raise ParticleDataError(f"{path}: {_named(column)} is the same for all particles: there is nothing to recover")
    return classes.astype(np.int64)


def read_coordinate(path: Path, column: str | None) -> np.ndarray:
    """Return one number per particle, (n,) float64, from a ``.npy`` array (n,) or a column of a ``.star`` or ``.csv`` table.

    Raises:
        ParticleDataError: another file, a column that is missing, values that are not finite numbers, or one value for all
            particles.
    """
    values = pd.to_numeric(_read_column(path, column), errors="coerce").to_numpy(np.float64)
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise ParticleDataError(
            f"{path}: {_named(column)} is not a number for {len(bad)} particle(s), the first of them {bad[0]}"
        )
    if np.ptp(values) == 0:
        raise ParticleDataError(f"{path}: {_named(column)} is the same for all particles: there is nothing to recover")
    return values


def _read_column(path: Path, column: str | None) -> pd.Series:
    suffix = _suffix(
        path, {".npy", ".star", ".csv"}, "one value per particle: give a .npy array, or a column of a .star or .csv"
    )
    if suffix == ".npy":
        array = _read_npy(path)
        if array.ndim != 1 or column is not None:
            raise ParticleDataError(f"{path}: shape {array.shape}: expected (particles,), and no column name")
        return pd.Series(array)
    table = typed(read_star(path)[0]) if suffix == ".star" else _read_csv(path, column)
    if column not in table.columns:
        raise ParticleDataError(f"{path}: no column {column}; there are {', '.join(map(str, table.columns))}")
    if table.empty:
        raise ParticleDataError(f"{path}: holds no particles")
    return table[column]


def _read_csv(path: Path, column: str | None) -> pd.DataFrame:
    try:
        if column not in (header := read_csv(path, LARGEST_CSV_BYTES, nrows=0)):
            return header
        return read_csv(path, LARGEST_CSV_BYTES, usecols=[column])
    except UntrustedFileError as error:
        raise ParticleDataError(f"{error}: give a .csv table with a column of known values") from error


def _read_npy(path: Path) -> np.ndarray:
    """Return a real array, first memory-mapped, so that the file's size is checked before memory is taken; never unpickled."""
    try:
        require_regular(path)
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # numpy parses the header as Python text and raises whatever that raises
        raise ParticleDataError(f"{path}: not a readable .npy array of numbers: {error}") from error
    if isinstance(array, np.ndarray) and array.size > MOST_NUMBERS:
        raise ParticleDataError(f"{path}: {array.size} numbers; at most {MOST_NUMBERS} are read")
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu" or array.size == 0:
        raise ParticleDataError(f"{path}: not an array of real numbers; save one array as .npy")
    return np.array(array)


def _suffix(path: Path, known: set[str], what: str) -> str:
    if not path.is_file():
        raise ParticleDataError(f"{path}: no such file")
    if path.suffix.lower() not in known:
        raise ParticleDataError(f"{path}: not a file of {what}")
    return path.suffix.lower()


def _named(column: str | None) -> str:
    return "the value" if column is None else column
