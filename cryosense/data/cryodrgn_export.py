"""RELION columns as cryoDRGN's ``poses.pkl`` and ``ctf.pkl``: what its ``parse_pose_star`` and ``parse_ctf_star`` write."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pandas as pd

from cryosense.errors import ParticleDataError

from .rotations import relion_matrices
from .stack import ParticleStack

ANGLES = ["rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"]
ORIGINS = ["rlnOriginXAngst", "rlnOriginYAngst"]
ORIGINS_IN_PIXELS = ["rlnOriginX", "rlnOriginY"]
CTF = ["rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle", "rlnVoltage", "rlnSphericalAberration", "rlnAmplitudeContrast"]
PHASE_SHIFT = "rlnPhaseShift"
# Fixed, so that the same numbers are the same bytes; what cryoDRGN itself writes.
PICKLE_PROTOCOL = 4


def write_cryodrgn(directory: Path, stack: ParticleStack) -> tuple[Path, Path]:
    """Write ``poses.pkl`` and ``ctf.pkl`` for the images of a stack, in its order. -> their paths.

    - poses: rotations (n, 3, 3) float64, RELION's matrices; translations (n, 2) float64, fractions of the box.
    - ctf: (n, 9) float32: box in pixels, Angstrom per pixel, defocus U and V (Angstrom), astigmatism angle (degrees), voltage
      (kV), spherical aberration (mm), amplitude contrast, phase shift (degrees). cryoDRGN's CTF has no B-factor and no scale.

    Origins and a phase shift that a file does not have are zero, as in RELION. Files that are there and hold the same stay.

    Raises:
        ParticleDataError: before anything is written: columns that are missing or hold no numbers, no pixel size or two, a
            file that exists with another content.
    """
    made = {
        directory / "poses.pkl": pickle.dumps(_poses(stack), protocol=PICKLE_PROTOCOL),
        directory / "ctf.pkl": pickle.dumps(_ctf(stack), protocol=PICKLE_PROTOCOL),
    }
    for path, content in made.items():
        if path.exists() and path.read_bytes() != content:
            raise ParticleDataError(f"{path}: exists with another content and is not overwritten; name another output_dir")
    directory.mkdir(parents=True, exist_ok=True)
    for path, content in made.items():
        partial = path.with_name(path.name + ".partial")
        partial.write_bytes(content)
        partial.replace(path)
    return directory / "poses.pkl", directory / "ctf.pkl"


def _poses(stack: ParticleStack) -> tuple[np.ndarray, np.ndarray]:
    """-> (n, 3, 3), (n, 2) float64."""
    table = stack.metadata
    _require(stack, table, ANGLES, "poses, which a refinement writes")
    return relion_matrices(_numbers(stack, table, ANGLES)), _origins_in_pixels(stack, table) / stack.box_size


def _origins_in_pixels(stack: ParticleStack, table: pd.DataFrame) -> np.ndarray:
    for names, unit_angstrom in ((ORIGINS, _pixel_size(stack)), (ORIGINS_IN_PIXELS, 1.0)):
        if any(name in table.columns for name in names):
            _require(stack, table, names, "the origin along both axes, or along neither")
            return _numbers(stack, table, names) / unit_angstrom
    return np.zeros((len(table), 2))


def _ctf(stack: ParticleStack) -> np.ndarray:
    """-> (n, 9) float32."""
    table = _with_optics(stack)
    _require(stack, table, CTF, "CTF parameters")
    if PHASE_SHIFT not in table.columns:
        table = table.assign(**{PHASE_SHIFT: 0.0})
    box = np.tile([float(stack.box_size), _pixel_size(stack)], (len(table), 1))
    return np.concatenate([box, _numbers(stack, table, [*CTF, PHASE_SHIFT])], axis=1).astype(np.float32)


def _pixel_size(stack: ParticleStack) -> float:
    if stack.pixel_size_angstrom is None:
        raise ParticleDataError(f"{stack.path}: no pixel size: give data.pixel_size_angstrom")
    return stack.pixel_size_angstrom


def _with_optics(stack: ParticleStack) -> pd.DataFrame:
    """The particle table, with columns that only the optics table has."""
    particles, optics = stack.metadata, stack.optics
    if optics is None:
        return particles
    groups = optics.set_index("rlnOpticsGroup")
    wanted = [name for name in (*CTF, PHASE_SHIFT) if name in groups.columns and name not in particles.columns]
    return particles.assign(**{name: particles["rlnOpticsGroup"].map(groups[name]) for name in wanted})


def _require(stack: ParticleStack, table: pd.DataFrame, names: list[str], what: str) -> None:
    missing = [name for name in names if name not in table.columns]
    if missing:
        raise ParticleDataError(
            f"{stack.path}: no column {', '.join(missing)}: cryoDRGN needs {what}; data.metadata names a file that has them"
        )


def _numbers(stack: ParticleStack, table: pd.DataFrame, names: list[str]) -> np.ndarray:
    """-> (n, columns) float64, all finite."""
    numbers = table[names].apply(pd.to_numeric, errors="coerce").to_numpy(dtype=np.float64)
    for name, column in zip(names, numbers.T, strict=True):
        bad = np.flatnonzero(~np.isfinite(column))
        if len(bad):
            raise ParticleDataError(
                f"{stack.path}: {name} is no number for {len(bad)} particle(s), the first of them {bad[0]}"
            )
    return numbers
