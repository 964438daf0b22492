"""What back-projection needs of a stack's metadata: poses, CTF and half sets, checked before any work."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from cryosense.data import ParticleDataError, ParticleStack
from cryosense.volumes.ctf import CtfParameters, ctf_half_plane
from cryosense.volumes.poses import rotation_matrices

ANGLES = ["rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"]
ORIGINS = ["rlnOriginXAngst", "rlnOriginYAngst"]
ORIGINS_IN_PIXELS = ["rlnOriginX", "rlnOriginY"]
CTF = [
    "rlnDefocusU",
    "rlnDefocusV",
    "rlnDefocusAngle",
    "rlnVoltage",
    "rlnSphericalAberration",
    "rlnAmplitudeContrast",
]
# Zero where a file does not have them, as in RELION.
OPTIONAL_CTF = ["rlnPhaseShift", "rlnCtfBfactor"]
HALF_SET = "rlnRandomSubset"


@dataclass(frozen=True)
class Alignments:
    """n particles: Euler angles (n, 3), origins (n, 2) in Angstrom, half set 0 or 1 (n,), and (n, 8) CTF columns or None."""

    angles_deg: Tensor
    origins_angstrom: Tensor
    half_set: Tensor
    ctf_columns: Tensor | None
    box_size: int
    pixel_size_angstrom: float

    @classmethod
    def of(cls, stack: ParticleStack, *, with_ctf: bool, with_poses: bool = True) -> Self:
        """Read them from RELION's columns. Origins that a file does not have are zero, as are all poses that nobody asks for.

        Half sets are those of ``rlnRandomSubset``, else every second particle of the stack. Beam tilt, higher aberrations,
        anisotropic magnification and ``rlnCtfScalefactor`` are not used.

        Raises:
            ParticleDataError: columns are missing, hold no numbers, or leave a half set empty; no pixel size, or two.
        """
        table = _with_optics(stack)
        pixel_size = stack.pixel_size_angstrom
        if pixel_size is None:
            raise ParticleDataError(f"{stack.path}: no pixel size: give data.pixel_size_angstrom")
        stack.check_pixel_size()
        if with_poses:
            _require(stack, table, ANGLES, "poses, which a refinement writes; give the file that has them as data.metadata")
        if with_ctf:
            _require(stack, table, CTF, "CTF parameters; give the file that has them, or set ctf_correction=false")
        return cls(
            angles_deg=_numbers(stack, table, ANGLES) if with_poses else torch.zeros(len(stack), 3, dtype=torch.float64),
            origins_angstrom=_origins(stack, table, pixel_size) if with_poses else torch.zeros(len(stack), 2).double(),
            half_set=_half_sets(stack, table),
            ctf_columns=_ctf_columns(stack, table) if with_ctf else None,
            box_size=stack.box_size,
            pixel_size_angstrom=pixel_size,
        )

    def rotations(self, rows: Tensor) -> Tensor:
        """(b,) positions -> (b, 3, 3) float32: image to map coordinates."""
        return rotation_matrices(self.angles_deg[rows]).float()

    def ctf(self, rows: Tensor) -> Tensor | None:
        """(b,) positions -> (b, n, n // 2 + 1) float32, None where no CTF is to be corrected."""
        if self.ctf_columns is None:
            return None
        u, v, angle, voltage, aberration, contrast, phase_shift, b_factor = self.ctf_columns[rows].float().unbind(-1)
        parameters = CtfParameters(u, v, angle, voltage, aberration, contrast, phase_shift, b_factor)
        return ctf_half_plane(parameters, self.box_size, self.pixel_size_angstrom)

    def fingerprint(self) -> str:
        """-> a digest of all of it: a run is not continued with other poses in a file of the same name."""
        digest = hashlib.sha256(f"{self.box_size} {self.pixel_size_angstrom}".encode())
        for values in (self.angles_deg, self.origins_angstrom, self.half_set, self.ctf_columns):
            digest.update(b"" if values is None else values.numpy().tobytes())
        return digest.hexdigest()[:16]

    def half_sets(self) -> str:
        """-> a digest of which half set each particle is in."""
        return hashlib.sha256(self.half_set.numpy().tobytes()).hexdigest()[:16]


def _with_optics(stack: ParticleStack) -> pd.DataFrame:
    """The particle table, with columns that only the optics table has."""
    particles, optics = stack.metadata, stack.optics
    if optics is None:
        return particles
    groups = optics.set_index("rlnOpticsGroup")
    wanted = [name for name in (*CTF, *OPTIONAL_CTF) if name in groups.columns and name not in particles.columns]
    return particles.assign(**{name: particles["rlnOpticsGroup"].map(groups[name]) for name in wanted})


def _require(stack: ParticleStack, table: pd.DataFrame, names: list[str], what: str) -> None:
    missing = [name for name in names if name not in table.columns]
    if missing:
        raise ParticleDataError(f"{stack.path}: no column {', '.join(missing)}: back-projection needs {what}")


def _ctf_columns(stack: ParticleStack, table: pd.DataFrame) -> Tensor:
    """-> (n, 8) float64."""
    absent = {name: 0.0 for name in OPTIONAL_CTF if name not in table.columns}
    return _numbers(stack, table.assign(**absent), [*CTF, *OPTIONAL_CTF])


def _numbers(stack: ParticleStack, table: pd.DataFrame, names: list[str]) -> Tensor:
    """-> (n, columns) float64, all finite."""
    for name in names:
        values = pd.to_numeric(table[name], errors="coerce").to_numpy(dtype=np.float64)
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            raise ParticleDataError(
                f"{stack.path}: {name} is no number for {len(bad)} particle(s), the first of them {bad[0]}, counted from 0"
            )
    return torch.from_numpy(table[names].to_numpy(dtype=np.float64).copy())


def _origins(stack: ParticleStack, table: pd.DataFrame, pixel_size_angstrom: float) -> Tensor:
    for names, unit in ((ORIGINS, 1.0), (ORIGINS_IN_PIXELS, pixel_size_angstrom)):
        if any(name in table.columns for name in names):
            _require(stack, table, names, "the origin along both axes, or along neither")
            return unit * _numbers(stack, table, names)
    return torch.zeros(len(table), 2, dtype=torch.float64)


def _half_sets(stack: ParticleStack, table: pd.DataFrame) -> Tensor:
    if HALF_SET not in table.columns:
        half_set = torch.arange(len(table)) % 2
    else:
        values = _numbers(stack, table, [HALF_SET])[:, 0]
        if not bool(((values == 1) | (values == 2)).all()):
            raise ParticleDataError(f"{stack.path}: {HALF_SET} must be 1 or 2, the half set of each particle")
        half_set = values.long() - 1
    for half in (0, 1):
        if not bool((half_set == half).any()):
            raise ParticleDataError(
                f"{stack.path}: no particle is in half set {half + 1} ({HALF_SET}): an FSC needs both; give the particles of "
                "both halves, or remove the column to have them divided"
            )
    return half_set
