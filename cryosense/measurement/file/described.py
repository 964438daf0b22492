"""A STAR file in place of the table that a measurement file was made with: the same particles, poses found since."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from cryosense.data.opening import Metadata, paths_of
from cryosense.data.pixel_sizes import check_optics, common_pixel_size, metadata_pixel_sizes
from cryosense.data.references import split_names
from cryosense.data.star import read_star
from cryosense.data.tables import Tables, typed
from cryosense.errors import ArgumentError, ParticleDataError
from cryosense.measurement.file.container import SUFFIX
from cryosense.measurement.file.reading import MeasurementFile

IMAGE = "rlnImageName"
PIXEL_TOLERANCE = 1e-3  # of what programs round as they write it


def described(file: MeasurementFile, metadata: Metadata) -> tuple[np.ndarray, Tables]:
    """Return the positions (m,) in the file of the particles that a STAR file names, in its order, and its tables.

    Raises:
        ArgumentError: metadata of another kind, which do not name particles.
        ParticleDataError: a STAR file that names other particles, one of them twice, or another pixel size.
    """
    paths = paths_of(metadata)
    if [path.suffix.lower() for path in paths] != [".star"]:
        raise ArgumentError(f"metadata: {file.path} takes one .star, whose rows name its particles")
    if not paths[0].is_file():
        raise ParticleDataError(f"{paths[0]}: no such file")
    tables = Tables(paths[0], *read_star(paths[0]))
    _check_pixel_size(file, tables)
    return _positions(file, tables), tables


def _check_pixel_size(file: MeasurementFile, tables: Tables) -> None:
    particles, optics = typed(tables.particles), None if tables.optics is None else typed(tables.optics)
    if optics is not None:
        check_optics(tables.path, particles, optics, file.box_size, sizes_must_agree=False)
    size = common_pixel_size(tables.path, metadata_pixel_sizes(particles, optics))
    own = file.pixel_size_angstrom
    if size is not None and own is not None and abs(size - own) > PIXEL_TOLERANCE * own:
        raise ParticleDataError(
            f"{tables.path}: pixel size {size:g} Angstrom, but {file.path} was measured at {own:g}; give the table of the "
            "particles as they were measured"
        )


def _positions(file: MeasurementFile, tables: Tables) -> np.ndarray:
    names, own = tables.particles.get(IMAGE), file.description.tables.particles.get(IMAGE)
    if names is None:
        raise ParticleDataError(f"{tables.path}: no column {IMAGE}, by which particles of {file.path} are found")
    if own is not None and names.astype(str).tolist() == own.astype(str).tolist():
        return np.arange(len(file))
    found = _found(file, names, own, tables.path)
    unknown = np.flatnonzero(found < 0)
    if len(unknown):
        raise ParticleDataError(
            f"{tables.path}: row {unknown[0] + 1} names {names.iloc[unknown[0]]}, which is no particle of {file.path} "
            f"({len(unknown)} of {len(names)} rows); give a table of the particles that were measured"
        )
    again = np.flatnonzero(pd.Series(found).duplicated().to_numpy())
    if len(again):
        first = int(np.argmax(found == found[again[0]]))
        raise ParticleDataError(f"{tables.path}: rows {first + 1} and {again[0] + 1} name one particle of {file.path}")
    return found


def _found(file: MeasurementFile, names: pd.Series, own: pd.Series | None, path: Path) -> np.ndarray:
    """Return positions, (m,), -1 for particles that the file has not.

    Names are those of the file's own table, if need be without folders, since stacks are moved and programs start elsewhere.
    Particles measured without a table are named by the stack, or by the measurement file as `align` names them.
    """
    number, _, of, stacks = split_names(names, path)
    if len(stacks) == 1 and stacks[0].endswith(SUFFIX):
        return np.where(number < len(file), number, -1)
    if own is None:
        return pd.Index(file.numbers.numpy()).get_indexer(number) if len(stacks) == 1 else np.full(len(names), -1)
    own_number, _, own_of, own_stacks = split_names(own, file.path)
    found = np.full(len(names), -1)
    for short in (_as_written, _without_folders):
        index = pd.MultiIndex.from_arrays([own_number, np.array(list(map(short, own_stacks)), object)[own_of]])
        if index.is_unique:
            found = index.get_indexer(pd.MultiIndex.from_arrays([number, np.array(list(map(short, stacks)), object)[of]]))
        if (found >= 0).all():
            break
    return found


def _as_written(stack: str) -> str:
    return stack


def _without_folders(stack: str) -> str:
    return Path(stack).name
