"""What a particle says of its pose, shell by shell, and how little of it may be measured.

For noise of known power the log likelihood of the right pose lies above that of an unrelated one by

    D = sum over measured coefficients k of p_k eta_k |c_k P_k|^2 / sigma_k^2    (real degrees of freedom, in nats)

in the mean, with a variance of 2 D: p the share measured, eta what a quantiser keeps, the last factor the spectral
signal-to-noise ratio of one image. The largest of N unrelated poses stays below the right one while D is above about
``4 log N``, 34 for the 4,608 rotations of the first grid. Poses that are not unrelated differ in less of it:
``cryosense.alignment.turning`` says in what.
"""

from __future__ import annotations

import math

import torch
from scipy.optimize import linprog
from torch import Tensor

from cryosense.alignment import grids
from cryosense.alignment.schedule import FIRST_ORDER, KEPT
from cryosense.errors import ArgumentError
from cryosense.operators.sampling_profile import coefficients_per_shell


def image_snr(map_snr: Tensor, particles: int) -> Tensor:
    """Return signal over noise power in the shells of one image, (n // 2 + 1,), from the map's s = FSC / (1 - FSC).

    The FSC is of half maps of N particles in all. Of N / 2 images with 2 pi k coefficients in shell k each, a point of the
    4 pi k^2 of that shell gets N / 4 k: s(k) = N / (4 k) times the ratio of one image, its CTF included. Shell 0, which says
    nothing about a pose, is 0.
    """
    shells = torch.arange(len(map_snr), dtype=torch.float64)
    return 4 * shells * map_snr.double() / particles


def information_per_shell(map_snr: Tensor, particles: int) -> Tensor:
    """Return the nats that the whole of each shell adds to D, (n // 2 + 1,); arguments as for ``image_snr``."""
    counts = coefficients_per_shell(2 * (len(map_snr) - 1))
    return counts * image_snr(map_snr, particles)


def needed_nats(angle_deg: Tensor, floor: float) -> Tensor:
    """Return, for turns by angles (q,) in degrees, the nats that each needs, (q,): a share of a floor, which is for all poses.

    The share is that of the likeliest of all poses of the first grid which those within the angle have. The logarithm of the
    number of poses within an angle grows from a few neighbours to all of them.
    """
    angle = torch.deg2rad(angle_deg.double())
    within = grids.rotation_count(FIRST_ORDER) * (angle - torch.sin(angle)) / math.pi
    return floor * within.clamp_min(1).log() / math.log(grids.rotation_count(FIRST_ORDER))


def lost_share(nats: Tensor, operations: int) -> float:
    """Return the share of particles, at most, that the first grid loses, from D of each of its wrong poses (q,) in nats.

    A pose that the right one is likelier than by D in the mean, with a variance of 2 D, is ahead of it with probability
    Phi(-sqrt(D / 2)). The grid keeps the best ``KEPT[0]`` rotations of those that a symmetry of so many ``operations`` does
    not carry into each other; by Markov's inequality no more particles than the expected number of wrong ones ahead over
    that lose the right one. Each rotation is counted once, not with every shift.
    """
    ahead = torch.special.ndtr(-(nats.clamp_min(0) / 2).sqrt()).sum()
    return min(1.0, float(ahead) / operations / KEPT[0])


def least_profile(nats: Tensor, needed: Tensor) -> Tensor:
    """Return the keep probabilities, (n // 2 + 1,), of the fewest coefficients that leave each of q sums its (q,) nats.

    ``nats``, (q, n // 2 + 1), are what whole shells add to each sum. A linear program.

    Raises:
        ArgumentError: whole shells do not leave as much.
    """
    counts = coefficients_per_shell(2 * (nats.shape[1] - 1))
    solved = linprog(counts.numpy(), A_ub=-nats.numpy(), b_ub=-needed.numpy(), bounds=(0, 1), method="highs")
    if solved.x is None:
        raise ArgumentError(f"no keep probabilities leave poses as many nats as they need: {solved.message}")
    return torch.from_numpy(solved.x).clamp(0, 1)
