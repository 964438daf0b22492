"""How much of the signal the CTFs of a data set let through in each shell."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from cryosense.data import ParticleDataError
from cryosense.data.pixel_sizes import check_optics
from cryosense.data.star import read_star
from cryosense.data.tables import Tables
from cryosense.fourier import centred_to_half_plane, shell_index
from cryosense.measurement.optics import ParticleOptics

CHUNK = 256
# A shell in which all CTFs vanish carries nothing, but a logarithm needs more than zero.
LEAST_POWER = 1e-6


@dataclass(frozen=True)
class CtfSpectrum:
    """Mean CTF^2 of ``particles`` particles in each shell, (n // 2 + 1,) float64."""

    power: Tensor
    particles: int


def ctf_spectrum(star: Path, box_size: int, pixel_size_angstrom: float) -> CtfSpectrum:
    """Average CTF^2 over the particles of a STAR file; its images need not exist.

    The average over particles is what a back-projection weights its shells with, so it is also right where the zeros of
    different particles lie in different shells.

    Raises:
        ParticleDataError: no such file, or CTF columns that are missing or hold something other than numbers.
    """
    if not star.is_file():
        raise ParticleDataError(f"ctf: there is no STAR file {star}")
    particles, table = read_star(star)
    if table is not None:
        check_optics(star, particles, table, 0, sizes_must_agree=False)
    optics = ParticleOptics.of(Tables(star, particles, table), pixel_size_angstrom, with_ctf=True)
    total = torch.zeros(box_size, box_size // 2 + 1, dtype=torch.float64)
    for rows in torch.arange(len(particles)).split(CHUNK):
        ctf = optics.ctf(rows, box_size, pixel_size_angstrom)
        assert ctf is not None
        total += (ctf.double() ** 2).sum(0)
    return CtfSpectrum(_shell_mean(total / len(particles)).clamp_min(LEAST_POWER), len(particles))


def _shell_mean(half_plane: Tensor) -> Tensor:
    """Return the mean over each shell of the whole plane, corners left out, (n // 2 + 1,), of a half plane with even n."""
    n = len(half_plane)
    shells = centred_to_half_plane(shell_index(n)).flatten()
    # The first and last column hold both of each Friedel pair, the others one of two that are equal.
    count = torch.full_like(half_plane, 2)
    count[:, [0, -1]] = 1
    sums, counts = (torch.bincount(shells, values.flatten()) for values in (count * half_plane, count))
    return (sums / counts)[: n // 2 + 1]
