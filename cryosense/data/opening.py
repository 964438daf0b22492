"""From files to images and tables: which program wrote what, and what belongs together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from cryosense.errors import ParticleDataError

from .cryodrgn import read_cryodrgn
from .cryosparc import read_cs
from .images import Images, open_image_file
from .references import images_by_reference, images_of_one_file, whole_file
from .star import read_star
from .tables import Tables

Metadata = str | Path | Sequence[str | Path]


def paths_of(metadata: Metadata | None) -> list[Path]:
    """Return no, one or several files as a list."""
    if metadata is None:
        return []
    return [Path(metadata)] if isinstance(metadata, (str, Path)) else [Path(each) for each in metadata]


def open_table(path: Path, sidecars: list[Path], root: Path | None) -> tuple[Images, Tables]:
    """Return the images that a table names, and the table. Raises ParticleDataError if it names none."""
    tables, sign = _read_tables([path, *sidecars], 0, None)
    if "rlnImageName" not in tables.particles.columns or tables.particles.empty:
        raise ParticleDataError(f"{path}: names no images (rlnImageName, or blob/path and blob/idx)")
    return replace(images_by_reference(tables.particles["rlnImageName"], path, root), sign=sign), tables


def open_images(
    path: Path, sidecars: list[Path], root: Path | None, pixel_size_angstrom: float | None
) -> tuple[Images, Tables]:
    """Return the images of a file, and what tables beside it say about them."""
    file = open_image_file(path)
    if not sidecars:
        return whole_file(file), Tables(path, pd.DataFrame(index=pd.RangeIndex(file.count)), None)
    size = pixel_size_angstrom
    if size is None and sidecars[0].suffix.lower() == ".pkl":
        size = file.pixel_size_angstrom
    tables, sign = _read_tables(sidecars, file.width, size)
    names = tables.particles["rlnImageName"] if "rlnImageName" in tables.particles.columns else None
    images = images_of_one_file(names, len(tables.particles), sidecars[0], file, root)
    return replace(images, sign=sign), tables


def _read_tables(paths: Sequence[Path], box_size: int, pixel_size_angstrom: float | None) -> tuple[Tables, np.ndarray | None]:
    """Return the tables, and the factor (n,) on the images, or None for 1."""
    kinds = {path.suffix.lower() for path in paths}
    if kinds == {".star"} and len(paths) == 1:
        return Tables(paths[0], *read_star(paths[0])), None
    if kinds == {".cs"}:
        return read_cs(paths)
    if kinds == {".pkl"} and box_size:
        return Tables(paths[0], *read_cryodrgn(paths, box_size, pixel_size_angstrom)), None
    names = ", ".join(path.name for path in paths)
    raise ParticleDataError(
        f"{paths[0]}: these do not go together: {names}; give one .star, or .cs files, or images with cryoDRGN's .pkl files"
    )
