"""STAR files: reading RELION's particle tables without changing a value, and writing them back."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import starfile

from cryosense.errors import ParticleDataError

# Whole numbers with a leading zero, such as a group called 007, or too long for an integer are names.
_NAME_LIKE = re.compile(r"[+-]?(0\d+|\d{19,})")

MOST_BLOCKS, MOST_COLUMNS = 500, 1000


def read_star(path: Path) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """-> particle table, optics table (``None`` for RELION 3.0 and older, which have a single table).

    A column becomes numeric only if all its values are numbers that can be written back as they were. Raises
    :class:`ParticleDataError` for a file that is no STAR file, or that has no table of particles.
    """
    tables = _read_tables(path)
    if "particles" in tables:
        return tables["particles"], tables.get("optics")
    with_images = [table for table in tables.values() if "rlnImageName" in table.columns]
    if len(with_images) == 1:
        return with_images[0], None
    raise ParticleDataError(
        f"{path}: no table of particles: expected a block data_particles, or one table with the column _rlnImageName; "
        f"found {', '.join('data_' + name for name in tables) or 'no data block'}"
    )


def write_star(
    path: str | Path,
    stack_path: str | Path | Sequence[str],
    metadata: pd.DataFrame,
    optics: pd.DataFrame | None,
    *,
    box_size: int,
    pixel_size_angstrom: float | None,
) -> None:
    """Write a STAR file whose particle i is image i + 1 of ``stack_path``; every other column is carried through.

    ``rlnImageName`` becomes ``00000i@`` + the stack's path relative to the STAR file's folder: start RELION there. Or the name
    of each image is given in place of the stack.

    - With an optics table (RELION 3.1 and later): both tables are written; ``rlnImageSize`` and ``rlnImagePixelSize`` of the
      groups that have particles are set to the stack's where they differ from it.
    - Without one, but with columns (RELION 3.0): a single table as it came, which later versions convert as they read it. The
      pixel size is ``rlnDetectorPixelSize`` (micrometres) over ``rlnMagnification``: where that is not the stack's pixel size,
      the detector pixel is changed, or both columns are added (magnification 10,000).
    - Without any metadata: the smallest 3.1 file, one optics group with image size and pixel size. Refinement in RELION needs
      ``rlnVoltage`` and ``rlnSphericalAberration`` as well: they are unknown here and not made up.

    Raises :class:`ParticleDataError` if the file exists with another content, or for several optics groups in the optics table
    where the particles do not say which is theirs.
    """
    path, particles = Path(path), metadata.copy()
    names = _names(stack_path, path.parent, len(metadata))
    if "rlnImageName" in particles.columns:
        particles["rlnImageName"] = names
    else:
        particles.insert(0, "rlnImageName", names)
    if optics is None and len(metadata.columns):
        _set_magnification(particles, pixel_size_angstrom)
        blocks = {"images": particles}
    else:
        table = _minimal_optics() if optics is None else optics.copy()
        _assign_group(path, particles, table)
        _set_optics(table, table["rlnOpticsGroup"].isin(particles["rlnOpticsGroup"]), box_size, pixel_size_angstrom)
        blocks = {"optics": table, "particles": particles}
    _write_once(path, starfile.to_string(blocks, float_format=None, na_rep="nan"))


def _names(stack: str | Path | Sequence[str], folder: Path, count: int) -> list[str]:
    if isinstance(stack, (str, Path)):
        return [f"{i + 1:06d}@{os.path.relpath(stack, folder)}" for i in range(count)]
    return list(stack)


def _read_tables(path: Path) -> dict[str, pd.DataFrame]:
    """All blocks, those without a loop as tables of one row; read as text, to know what numbers looked like."""
    try:
        blocks = starfile.read(path, always_dict=True, parse_as_string=_column_names(path))
    except ParticleDataError:
        raise
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise ParticleDataError(f"{path}: not a readable STAR file: {error}") from error
    tables = {name: pd.DataFrame([block]) if isinstance(block, dict) else block for name, block in blocks.items()}
    for name, table in tables.items():
        if table is not None and not table.columns.is_unique:
            twice = table.columns[table.columns.duplicated()][0]
            raise ParticleDataError(f"{path}: data_{name} has the column _{twice} twice: remove one")
    return {name: _numeric(table) for name, table in tables.items() if table is not None}


def _column_names(path: Path) -> list[str]:
    """-> names of all columns. Raises ParticleDataError for more blocks or columns than could be read in a few seconds."""
    names: set[str] = set()
    blocks = 0
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            blocks += line.startswith("data_")
            if line.lstrip().startswith("_"):
                names.add(line.split()[0][1:])
            if blocks > MOST_BLOCKS or len(names) > MOST_COLUMNS:
                raise ParticleDataError(
                    f"{path}: more than {MOST_BLOCKS} blocks or {MOST_COLUMNS} columns: no table of RELION's is like that"
                )
    return sorted(names)


def _numeric(table: pd.DataFrame) -> pd.DataFrame:
    """The same table with columns of numbers as numbers."""
    converted = {name: _numeric_column(table[name]) for name in table.columns}
    return pd.DataFrame(converted).reset_index(drop=True)


def _numeric_column(column: pd.Series) -> pd.Series:
    present = column.dropna()
    if present.empty or present.astype(str).str.fullmatch(_NAME_LIKE).any():
        return column
    try:
        return pd.to_numeric(column)
    except ValueError:
        return column


def _minimal_optics() -> pd.DataFrame:
    return pd.DataFrame({"rlnOpticsGroupName": ["opticsGroup1"], "rlnOpticsGroup": [1], "rlnImageDimensionality": [2]})


def _set_optics(optics: pd.DataFrame, used: pd.Series, box_size: int, pixel_size_angstrom: float | None) -> None:
    if "rlnImageSize" not in optics.columns:
        optics["rlnImageSize"] = box_size
    optics.loc[used, "rlnImageSize"] = box_size
    if pixel_size_angstrom is None:
        return
    if "rlnImagePixelSize" not in optics.columns:
        optics["rlnImagePixelSize"] = float(pixel_size_angstrom)
    # Within rounding the figure that the file came with is left as it was written.
    differs = ~np.isclose(optics["rlnImagePixelSize"].astype(float), pixel_size_angstrom, rtol=1e-5, atol=0)
    if (differs & used).any():
        sizes = optics["rlnImagePixelSize"].astype(float)
        optics["rlnImagePixelSize"] = sizes.where(~(differs & used), pixel_size_angstrom)


def _assign_group(path: Path, particles: pd.DataFrame, optics: pd.DataFrame) -> None:
    if "rlnOpticsGroup" in particles.columns:
        return
    if len(optics) != 1:
        raise ParticleDataError(f"{path}: {len(optics)} optics groups, but the particles have no column rlnOpticsGroup")
    particles["rlnOpticsGroup"] = optics["rlnOpticsGroup"].iloc[0]


def _set_magnification(particles: pd.DataFrame, pixel_size_angstrom: float | None) -> None:
    if pixel_size_angstrom is None:
        return
    if "rlnMagnification" not in particles.columns:
        particles["rlnMagnification"] = 10000.0
        particles["rlnDetectorPixelSize"] = np.nan
    wanted = pixel_size_angstrom * particles["rlnMagnification"] / 10000.0
    if "rlnDetectorPixelSize" not in particles.columns or not np.allclose(
        particles["rlnDetectorPixelSize"], wanted, rtol=1e-5, atol=0
    ):
        particles["rlnDetectorPixelSize"] = wanted


def _write_once(path: Path, text: str) -> None:
    """The first line is starfile's time stamp; a run that is repeated may find everything below it unchanged."""
    if path.exists():
        if path.read_text(encoding="utf-8").split("\n", 1)[-1] == text.split("\n", 1)[-1]:
            return
        raise ParticleDataError(
            f"{path}: exists with another content and is not overwritten; name another output or remove it"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.rename(path)
