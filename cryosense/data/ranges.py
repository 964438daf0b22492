"""The values that microscopes and refinements have: what lies outside is in another unit, or in another column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cryosense.errors import ParticleDataError

from .radians import refuse_radians
from .tables import Tables


@dataclass(frozen=True)
class Range:
    """From ``low`` to ``high``, in the unit that is named."""

    low: float
    high: float
    unit: str

    def __str__(self) -> str:
        return f"{self.low:g} ... {self.high:g} {self.unit}".rstrip()


_DEGREES = Range(-3600, 3600, "degrees")
_MAGNIFICATION = Range(0.5, 2, "")
_SHEAR = Range(-0.5, 0.5, "")
RANGES = {
    "rlnVoltage": Range(10, 3000, "kV"),
    "rlnSphericalAberration": Range(0, 20, "mm"),
    "rlnAmplitudeContrast": Range(0, 1, "(a share, not per cent)"),
    "rlnDefocusU": Range(-1e5, 1e6, "Angstrom"),
    "rlnDefocusV": Range(-1e5, 1e6, "Angstrom"),
    "rlnDefocusAngle": _DEGREES,
    "rlnPhaseShift": _DEGREES,
    "rlnCtfScalefactor": Range(1e-3, 1e3, ""),
    "rlnBeamTiltX": Range(-100, 100, "mrad"),
    "rlnBeamTiltY": Range(-100, 100, "mrad"),
    "rlnMagMat00": _MAGNIFICATION,
    "rlnMagMat01": _SHEAR,
    "rlnMagMat10": _SHEAR,
    "rlnMagMat11": _MAGNIFICATION,
    "rlnAngleRot": _DEGREES,
    "rlnAngleTilt": _DEGREES,
    "rlnAnglePsi": _DEGREES,
    "rlnRandomSubset": Range(1, 2, "(the half set)"),
}
# No lens is set closer to focus than this unless exactly to it; every defocus in micrometres is closer.
LEAST_DEFOCUS_ANGSTROM = 100.0
# Exponent of the CTF's envelope at Nyquist: beyond e^20 nothing else is left in single precision.
MOST_GROWTH, MOST_B_FACTOR = 20.0, 1e5


def check_ranges(tables: Tables, names: list[str], values: np.ndarray) -> None:
    """Raise ParticleDataError with column, value and range for the first of the values (n, columns) that is out of range."""
    for name, column in zip(names, values.T, strict=True):
        if name in RANGES:
            _check(tables, name, column, RANGES[name])
    columns = dict(zip(names, values.T, strict=True))
    if {"rlnDefocusU", "rlnDefocusV"} <= columns.keys():
        largest = np.maximum(np.abs(columns["rlnDefocusU"]), np.abs(columns["rlnDefocusV"]))
        near = np.flatnonzero((largest > 0) & (largest < LEAST_DEFOCUS_ANGSTROM))
        if len(near):
            raise ParticleDataError(
                f"{tables.path}: rlnDefocusU is {columns['rlnDefocusU'][near[0]]:g} for {_particles(near)}: must be 0, or at "
                f"least {LEAST_DEFOCUS_ANGSTROM:g} Angstrom along one axis (is it in micrometres?)"
            )
    refuse_radians(tables, columns)


def check_b_factor(tables: Tables, b_factor: np.ndarray, pixel_size_angstrom: float) -> None:
    """Raise ParticleDataError if ``exp(-B k^2 / 4)`` overflows at Nyquist, or leaves nothing, for B (n,) in Angstrom^2."""
    low = -MOST_GROWTH * 16 * pixel_size_angstrom**2
    _check(tables, "rlnCtfBfactor", b_factor, Range(low, MOST_B_FACTOR, f"A^2 at {pixel_size_angstrom:g} Angstrom per pixel"))


def check_origins(tables: Tables, origins_angstrom: np.ndarray, box_angstrom: float) -> None:
    """Raise ParticleDataError for a particle whose centre, by its origin (n, 2) x, y, lies outside its image."""
    inside = Range(-box_angstrom / 2, box_angstrom / 2, "Angstrom, half the box")
    for name, column in zip(("X", "Y"), origins_angstrom.T, strict=True):
        _check(tables, f"rlnOrigin{name}Angst", column, inside)


def _check(tables: Tables, name: str, values: np.ndarray, allowed: Range) -> None:
    outside = np.flatnonzero((values < allowed.low) | (values > allowed.high))
    if len(outside):
        raise ParticleDataError(
            f"{tables.path}: {name} is {values[outside[0]]:g} for {_particles(outside)}: must lie in {allowed}"
        )


def _particles(rows: np.ndarray) -> str:
    return f"particle {rows[0]}, counted from 0" + (f", and {len(rows) - 1} more" if len(rows) > 1 else "")
