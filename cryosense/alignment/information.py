"""What a particle says of its pose, shell by shell, and how little of it may be measured.

For noise of known power the log likelihood of the right pose lies above that of an unrelated one by

    D = sum over measured coefficients k of p_k eta_k |c_k P_k|^2 / sigma_k^2    (real degrees of freedom, in nats)

in the mean, with a variance of 2 D: p the share measured, eta what a quantiser keeps, the last factor the spectral
signal-to-noise ratio of one image. The largest of N unrelated poses stays below the right one while D is above about
``4 log N``: 46 for the 4,608 rotations and 21 shifts of the first grid. Poses that are not unrelated, which low frequencies
hardly tell apart, need more.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from cryosense.alignment import grids
from cryosense.alignment.schedule import FIRST_ORDER
from cryosense.operators.sampling_profile import coefficients_per_shell

SHIFTS = 21


def least_information() -> float:
    """-> nats below which the right pose is not the most likely on the first grid: ``4 log N``."""
    return 4 * math.log(grids.rotation_count(FIRST_ORDER) * SHIFTS)


def image_snr(map_snr: Tensor, particles: int) -> Tensor:
    """(n // 2 + 1,) s = FSC / (1 - FSC) of half maps of N particles in all -> signal over noise power in one image's shells.

    Of N / 2 images with 2 pi k coefficients in shell k each, a point of the 4 pi k^2 of that shell gets N / 4 k:
    s(k) = N / (4 k) times the ratio of one image, its CTF in it. Shell 0, which says nothing of a pose, is 0.
    """
    shells = torch.arange(len(map_snr), dtype=torch.float64)
    return 4 * shells * map_snr.double() / particles


def information_per_shell(map_snr: Tensor, particles: int) -> Tensor:
    """(n // 2 + 1,), N as in :func:`image_snr` -> (n // 2 + 1,) nats that the whole of each shell adds to D."""
    counts = coefficients_per_shell(2 * (len(map_snr) - 1))
    return counts * image_snr(map_snr, particles)


def least_profile(information: Tensor, floor: float) -> Tensor:
    """(n // 2 + 1,) nats -> (n // 2 + 1,) keep probabilities that leave ``floor`` nats by the fewest coefficients.

    Shells are measured whole, those first that say most by each coefficient, the last one in part; all shells where all of
    them do not leave as much.
    """
    counts = coefficients_per_shell(2 * (len(information) - 1))
    order = torch.argsort(information / counts, descending=True)
    before = information[order].cumsum(0) - information[order]
    part = ((floor - before) / information[order].clamp_min(1e-300)).clamp(0, 1)
    keep = torch.zeros_like(information)
    keep[order] = part
    return keep
