"""cryoDRGN's ``poses.pkl`` and ``ctf.pkl`` as RELION columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cryosense.errors import ParticleDataError
from cryosense.files.pickles import load_arrays

from .optics import split_optics
from .rotations import relion_angles


def read_cryodrgn(
    paths: Sequence[Path], box_size: int, pixel_size_angstrom: float | None
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Return particle and optics table from ``poses.pkl``, ``ctf.pkl`` or both, told apart by the shape of their contents.

    Conventions (Zhong et al. 2021, cryoDRGN's ``R_from_relion`` and ``parse_pose_star``):

    - rotations (n, 3, 3) are RELION's matrices; translations (n, 2), fractions of the box, have ``rlnOriginXAngst``'s sign;
    - ctf (n, 9): box in pixels, Angstrom per pixel, defocus U and V (Angstrom), astigmatism angle (degrees), voltage (kV),
      spherical aberration (mm), amplitude contrast, phase shift (degrees). The first two give the extent of the box: an image
      of ``box_size`` has pixels of D * Apix / ``box_size``, as in cryoDRGN itself.

    Raises:
        ParticleDataError: other shapes, differing counts, or translations without a pixel size.
    """
    ctf: pd.DataFrame | None = None
    poses: tuple[Path, tuple[np.ndarray, ...]] | None = None
    for path in paths:
        arrays = load_arrays(path)
        if len(arrays) == 1 and arrays[0].ndim == 2 and arrays[0].shape[1] == 9:
            ctf = _ctf_columns(arrays[0], box_size)
        elif arrays and arrays[0].ndim == 3 and arrays[0].shape[1:] == (3, 3) and len(arrays) <= 2:
            poses = path, arrays
        else:
            shapes = ", ".join(str(array.shape) for array in arrays)
            raise ParticleDataError(f"{path}: arrays of shape {shapes} are neither poses (n, 3, 3) and (n, 2) nor ctf (n, 9)")
    particles = pd.DataFrame() if ctf is None else ctf
    if poses is not None:
        pixel_size: float | pd.Series | None = pixel_size_angstrom if ctf is None else ctf["rlnImagePixelSize"]
        columns = _pose_columns(*poses, box_size, pixel_size)
        if ctf is not None and len(ctf) != len(columns):
            raise ParticleDataError(f"{poses[0]}: {len(columns)} poses, but {len(ctf)} particles in the ctf file")
        particles = pd.concat([particles, columns], axis=1)
    return split_optics(particles, [])


def _ctf_columns(ctf: np.ndarray, box_size: int) -> pd.DataFrame:
    # The file holds float32: only six or seven digits are meaningful.
    values = np.array([[float(f"{value:.7g}") for value in row] for row in ctf])
    names = ["rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle", "rlnVoltage", "rlnSphericalAberration", "rlnAmplitudeContrast"]
    columns = pd.DataFrame(values[:, 2:], columns=[*names, "rlnPhaseShift"])
    columns["rlnImagePixelSize"] = values[:, 0] * values[:, 1] / box_size
    return columns.assign(rlnImageSize=box_size)


def _pose_columns(
    path: Path, arrays: tuple[np.ndarray, ...], box_size: int, pixel_size_angstrom: float | pd.Series | None
) -> pd.DataFrame:
    angles = relion_angles(arrays[0])
    columns = pd.DataFrame(angles, columns=["rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"])
    if len(arrays) == 1:
        return columns
    if arrays[1].shape != (len(angles), 2):
        raise ParticleDataError(f"{path}: translations of shape {arrays[1].shape} for {len(angles)} rotations")
    if pixel_size_angstrom is None:
        raise ParticleDataError(f"{path}: translations need a pixel size: add ctf.pkl or give pixel_size_angstrom")
    for axis, name in enumerate(("rlnOriginXAngst", "rlnOriginYAngst")):
        columns[name] = arrays[1][:, axis] * box_size * pixel_size_angstrom
    return columns
