"""How much of the signal the CTFs of a data set let through in each shell."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from cryosense.data import ParticleDataError
from cryosense.data.pixel_sizes import check_optics
from cryosense.data.star import read_star
from cryosense.fourier import centred_to_half_plane, shell_index
from cryosense.tasks.maps.alignments import CTF, OPTIONAL_CTF
from cryosense.volumes.ctf import CtfParameters, ctf_half_plane

CHUNK = 256
# A shell in which all CTFs vanish carries nothing; a logarithm needs more than that.
LEAST_POWER = 1e-6


@dataclass(frozen=True)
class CtfSpectrum:
    """Mean CTF^2 of ``particles`` particles in each shell, (n // 2 + 1,) float64."""

    power: Tensor
    particles: int


def ctf_spectrum(star: Path, box_size: int, pixel_size_angstrom: float) -> CtfSpectrum:
    """Average CTF^2 over the particles of a STAR file; its images need not be there.

    The average over particles is what a back-projection weighs its shells with, so it is also right where the zeros of
    different particles lie in different shells.

    Raises:
        ParticleDataError: no such file, or CTF columns that are missing or hold what is not a number.
    """
    if not star.is_file():
        raise ParticleDataError(f"ctf: there is no STAR file {star}")
    columns = _columns(star)
    total = torch.zeros(box_size, box_size // 2 + 1, dtype=torch.float64)
    for chunk in columns.split(CHUNK):
        parameters = CtfParameters(*chunk.float().unbind(-1))
        ctf = ctf_half_plane(parameters, box_size, pixel_size_angstrom)
        total += (ctf.double() ** 2).sum(0)
    return CtfSpectrum(_shell_mean(total / len(columns)).clamp_min(LEAST_POWER), len(columns))


def _shell_mean(half_plane: Tensor) -> Tensor:
    """(n, n // 2 + 1), n even -> (n // 2 + 1,): mean over each shell of the whole plane, corners left out."""
    n = len(half_plane)
    shells = centred_to_half_plane(shell_index(n)).flatten()
    # The first and last column hold both of each Friedel pair, the others one of two that are equal.
    count = torch.full_like(half_plane, 2)
    count[:, [0, -1]] = 1
    sums, counts = (torch.bincount(shells, values.flatten()) for values in (count * half_plane, count))
    return (sums / counts)[: n // 2 + 1]


def _columns(star: Path) -> Tensor:
    """-> (particles, 8) float64: the columns of :class:`CtfParameters`, those of the optics table included."""
    particles, optics = read_star(star)
    if optics is not None:
        check_optics(star, particles, optics, 0, sizes_must_agree=False)
    for name in (*CTF, *OPTIONAL_CTF):
        if name not in particles.columns and optics is not None and name in optics.columns:
            groups = optics.set_index("rlnOpticsGroup")[name]
            particles = particles.assign(**{name: particles["rlnOpticsGroup"].map(groups)})
    missing = [name for name in CTF if name not in particles.columns]
    if missing:
        raise ParticleDataError(f"ctf: {star} has no column {', '.join(missing)}")
    absent = {name: 0.0 for name in OPTIONAL_CTF if name not in particles.columns}
    table = particles.assign(**absent)[[*CTF, *OPTIONAL_CTF]].apply(pd.to_numeric, errors="coerce")
    values = table.to_numpy(dtype=np.float64)
    if not np.isfinite(values).all():
        bad = table.columns[~np.isfinite(values).all(0)]
        raise ParticleDataError(f"ctf: {star}: {', '.join(bad)} is no number for some particles")
    return torch.from_numpy(values.copy())
