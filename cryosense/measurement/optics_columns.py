"""RELION's columns for the optics of particles, as numbers within their ranges."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from cryosense.data import ParticleDataError
from cryosense.data.ranges import check_b_factor, check_ranges
from cryosense.data.tables import Tables
from cryosense.data.unused import coefficients
from cryosense.volumes.aberrations import Aberrations, coma_of_beam_tilt

CTF = ["rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle", "rlnVoltage", "rlnSphericalAberration", "rlnAmplitudeContrast"]
# Where a file does not have them, as in RELION.
OPTIONAL_CTF = {"rlnPhaseShift": 0.0, "rlnCtfBfactor": 0.0, "rlnCtfScalefactor": 1.0}
BEAM_TILT = ["rlnBeamTiltX", "rlnBeamTiltY"]
MAGNIFICATION = ["rlnMagMat00", "rlnMagMat01", "rlnMagMat10", "rlnMagMat11"]
ZERNIKE = ["rlnOddZernike", "rlnEvenZernike"]
FLIPPED, PREMULTIPLIED = "rlnCtfDataArePhaseFlipped", "rlnCtfDataAreCtfPremultiplied"
# What is used where the CTF is corrected, and where it is not.
USED_WITH_CTF = (*CTF, *OPTIONAL_CTF, *BEAM_TILT, *MAGNIFICATION, *ZERNIKE, FLIPPED, PREMULTIPLIED)
USED_WITHOUT_CTF = (*MAGNIFICATION,)


def read_ctf_columns(tables: Tables, pixel_size_angstrom: float) -> Tensor:
    """Return CTF columns, (n, 9) float64. Raises ParticleDataError for what is missing, not a number, or out of range."""
    tables.require(CTF, "CTF parameters are needed; give the file that has them, or set ctf_correction=false")
    columns = [tables.numbers(CTF), *(tables.numbers([name], absent) for name, absent in OPTIONAL_CTF.items())]
    values = np.concatenate(columns, axis=1)
    check_ranges(tables, [*CTF, *OPTIONAL_CTF], values)
    check_b_factor(tables, values[:, 7], pixel_size_angstrom)
    return torch.from_numpy(values)


def read_flags(tables: Tables, name: str) -> Tensor:
    """Return flags, (n,) bool. Raises ParticleDataError for other numbers than 0 and 1."""
    values = tables.numbers([name], 0.0)[:, 0]
    if not np.isin(values, (0, 1)).all():
        raise ParticleDataError(f"{tables.path}: {name} must be 0 or 1")
    return torch.from_numpy(values == 1)


def read_aberrations(tables: Tables, lens: np.ndarray, *, with_ctf: bool) -> tuple[Tensor, tuple[Aberrations, ...]]:
    """Return the group (n,) of each particle and each group's aberrations; ``lens`` (n, 2) is voltage and Cs."""
    magnification = _complete(tables, MAGNIFICATION, [1.0, 0.0, 0.0, 1.0])
    tilt = _complete(tables, BEAM_TILT, [0.0, 0.0]) if with_ctf else np.zeros((len(lens), 2))
    polynomials = [_polynomials(tables, name, with_ctf=with_ctf) for name in ZERNIKE]
    codes = np.stack([code for code, _ in polynomials], axis=1)
    different, group = np.unique(np.concatenate([magnification, tilt, lens, codes], axis=1), axis=0, return_inverse=True)
    made = []
    for row in different.tolist():
        odd, even = (known[int(code)] for (_, known), code in zip(polynomials, row[8:], strict=True))
        coma = coma_of_beam_tilt((row[4], row[5]), row[6], row[7]) if any(row[4:6]) else (0.0, 0.0)
        made.append(Aberrations((row[0], row[1], row[2], row[3]), coma, odd, even))
    return torch.from_numpy(group.reshape(-1)), tuple(made)


def _complete(tables: Tables, names: list[str], absent: list[float]) -> np.ndarray:
    """Return all columns, (n, columns), in range, or the defaults where there are none."""
    if not any(tables.has(name) for name in names):
        return np.tile(absent, (len(tables.particles), 1))
    tables.require(names, f"all of {', '.join(names)} are needed, or none")
    values = tables.numbers(names)
    check_ranges(tables, names, values)
    return values


def _polynomials(tables: Tables, name: str, *, with_ctf: bool) -> tuple[np.ndarray, list[tuple[float, ...]]]:
    """Return the code (n,) of each particle's coefficients, and the coefficients of each code."""
    if not with_ctf or not tables.has(name):
        return np.zeros(len(tables.particles)), [()]
    codes, texts = tables.column(name).astype(str).factorize()
    known = [coefficients(text) for text in texts]
    bad = [text for text, values in zip(texts, known, strict=True) if not np.isfinite(values).all()]
    if bad:
        raise ParticleDataError(f"{tables.path}: {name} {bad[0]!r} is not a list of numbers like [0.1,-2.5]")
    return codes.astype(np.float64), [tuple(values.tolist()) for values in known]
