"""STAR files: RELION's particle tables as they are in the file, and back into one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cryosense.errors import ParticleDataError
from cryosense.files.star_text import TEXT, read_blocks
from cryosense.files.star_writing import star_text

from .tables import GROUP, as_numbers


def read_star(path: Path) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Return particle and optics table, all of text; the latter is None for RELION 3.0 and older, which have one table.

    Particles that do not name their optics group belong to the only one there is.

    Raises:
        ParticleDataError: a file that is not a STAR file (see ``read_blocks``), or has no table of particles, or several.
    """
    blocks = read_blocks(path)
    with_images = [block.name for block in blocks.values() if "rlnImageName" in block.labels]
    found = "particles" if "particles" in blocks else with_images[0] if len(with_images) == 1 else None
    if found is None or not set(with_images) <= {found}:
        raise ParticleDataError(
            f"{path}: {'several tables' if with_images else 'no table'} of particles: expected a block data_particles, or one "
            f"table with the column _rlnImageName; found {', '.join('data_' + name for name in blocks) or 'no data block'}"
        )
    particles, optics = blocks[found].table(), blocks.get("optics")
    if optics is None:
        return particles, None
    table = optics.table()
    if GROUP not in particles.columns and GROUP in table.columns and len(table) == 1:
        particles[GROUP] = pd.array([table[GROUP].iloc[0]] * len(particles), dtype=TEXT)
    return particles, table


def write_star(
    path: str | Path,
    stack_path: str | Path | Sequence[str],
    metadata: pd.DataFrame,
    optics: pd.DataFrame | None,
    *,
    box_size: int,
    pixel_size_angstrom: float | None,
    root: str | Path | None = None,
) -> None:
    """Write a STAR file whose particle i is image i + 1 of ``stack_path``; every other column is carried through.

    ``rlnImageName`` becomes ``00000i@`` + the stack's path relative to ``naming_folder``: start RELION there. Or the name
    of each image is given in place of the stack.

    - With an optics table (RELION 3.1 and later): both tables are written; ``rlnImageSize`` and ``rlnImagePixelSize`` of the
      groups that have particles are set to the stack's where they differ from it.
    - Without one, but with columns (RELION 3.0): a single table as it came, which later versions convert as they read it. The
      pixel size is ``rlnDetectorPixelSize`` (micrometres) over ``rlnMagnification``: where that is not the stack's pixel size,
      the detector pixel is changed, or both columns are added (magnification 10,000).
    - Without any metadata: the smallest 3.1 file, one optics group with image size and pixel size. Refinement in RELION needs
      ``rlnVoltage`` and ``rlnSphericalAberration`` as well: they are unknown here and not made up.

    Raises ``ParticleDataError`` if the file exists with another content, or for several optics groups in the optics table
    where the particles do not say which is theirs.
    """
    path, particles = Path(path), metadata.copy()
    names = _names(stack_path, path.parent if root is None else naming_folder(path, root), len(metadata))
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
        _set_optics(table, table[GROUP].isin(particles[GROUP].unique()), box_size, pixel_size_angstrom)
        blocks = {"optics": table, "particles": particles}
    _write_once(path, "".join(star_text(blocks)))


def naming_folder(path: Path, root: str | Path) -> Path:
    """Return the folder relative to which a STAR file names images: ``root``, a RELION project's, if the file lies in it.

    A file outside is its own project, with what lies beside it, wherever it is moved to.
    """
    folder, project = (Path(os.path.normpath(Path(each).absolute())) for each in (path.parent, root))  # links stay
    return project if folder.is_relative_to(project) else folder


def _names(stack: str | Path | Sequence[str], folder: Path, count: int) -> list[str]:
    if isinstance(stack, (str, Path)):
        named = os.path.relpath(stack, folder)
        return [f"{i + 1:06d}@{named}" for i in range(count)]
    return list(stack)


def _minimal_optics() -> pd.DataFrame:
    return pd.DataFrame({"rlnOpticsGroupName": ["opticsGroup1"], "rlnOpticsGroup": [1], "rlnImageDimensionality": [2]})


def _set_optics(optics: pd.DataFrame, used: pd.Series, box_size: int, pixel_size_angstrom: float | None) -> None:
    _set_where_it_differs(optics, "rlnImageSize", used, box_size, 0.0)
    if pixel_size_angstrom is not None:
        # Within rounding the figure that the file came with is left as it was written.
        _set_where_it_differs(optics, "rlnImagePixelSize", used, float(pixel_size_angstrom), 1e-5)


def _set_where_it_differs(table: pd.DataFrame, name: str, rows: pd.Series, value: float, tolerance: float) -> None:
    if name not in table.columns:
        table[name] = value
    differs = ~np.isclose(as_numbers(table[name]), value, rtol=tolerance, atol=0) & rows.to_numpy()
    if differs.any():
        table[name] = table[name].astype(object).mask(differs, value)


def _assign_group(path: Path, particles: pd.DataFrame, optics: pd.DataFrame) -> None:
    if GROUP in particles.columns:
        return
    if len(optics) != 1:
        raise ParticleDataError(f"{path}: {len(optics)} optics groups, but the particles have no column rlnOpticsGroup")
    particles[GROUP] = optics[GROUP].iloc[0]


def _set_magnification(particles: pd.DataFrame, pixel_size_angstrom: float | None) -> None:
    if pixel_size_angstrom is None:
        return
    if "rlnMagnification" not in particles.columns:
        particles["rlnMagnification"] = 10000.0
        particles["rlnDetectorPixelSize"] = np.nan
    wanted = pixel_size_angstrom * as_numbers(particles["rlnMagnification"]) / 10000.0
    if "rlnDetectorPixelSize" not in particles.columns or not np.allclose(
        as_numbers(particles["rlnDetectorPixelSize"]), wanted, rtol=1e-5, atol=0
    ):
        particles["rlnDetectorPixelSize"] = wanted


def _write_once(path: Path, text: str) -> None:
    """Write text; a run that is repeated may find the same file."""
    if path.exists():
        if path.read_text(encoding="utf-8") == text:
            return
        raise ParticleDataError(f"{path}: exists with other content and is not overwritten; name another output or remove it")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.rename(path)
