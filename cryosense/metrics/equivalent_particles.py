"""How many uncompressed particles a reconstruction is worth."""

from __future__ import annotations

import torch
from torch import Tensor

from cryosense.errors import ArgumentError

# Below this an FSC says more about chance than about signal.
LOWEST_FSC = 0.143


def equivalent_particles(curve: Tensor, uncompressed_curve: Tensor, uncompressed_particles: int) -> float:
    """Return how many uncompressed particles a reconstruction is worth, by its FSC.

    The signal-to-noise ratio ``s = FSC / (1 - FSC)`` of a shell grows in proportion to the number of particles, so the number
    is ``uncompressed_particles`` times the ratio of the two s, averaged in the logarithm over the shells up to the first in
    which either curve falls below 0.143. A shell at radius k, with about k^2 coefficients, is weighted by the inverse variance
    of log s, ``k^2 / ((1 + F1)^2 / F1^2 + (1 + F2)^2 / F2^2)``. Both curves must be of one box and one kind (half map to half
    map); both mislead where all particles share a mask or a prior.

    Args:
        curve: (n // 2 + 1,) FSC of any method.
        uncompressed_curve: (n // 2 + 1,) FSC of ``uncompressed_particles`` without compression.
        uncompressed_particles: how many those were.

    Raises:
        ArgumentError: curves of different lengths; a curve that is below 0.143 in the first shell, or 1 in all of them.
    """
    if curve.shape != uncompressed_curve.shape:
        raise ArgumentError(f"curves of {len(curve)} and {len(uncompressed_curve)} shells: take both from one box size")
    both = torch.stack([curve, uncompressed_curve]).double()
    lowest = both.min(0).values
    below = (lowest[1:] < LOWEST_FSC).nonzero()[:, 0]
    shells = torch.arange(1, 1 + (int(below[0]) if len(below) else len(curve) - 1), device=curve.device)
    shells = shells[both.max(0).values[shells] < 1]
    if len(shells) == 0:
        raise ArgumentError(f"no shell in which both curves lie between {LOWEST_FSC} and 1: nothing can be compared")
    f = both[:, shells]
    weight = shells**2 / ((1 + f) / f).square().sum(0)
    log_signal_to_noise = torch.log(f / (1 - f))
    difference = (weight * (log_signal_to_noise[0] - log_signal_to_noise[1])).sum() / weight.sum()
    return float(uncompressed_particles * torch.exp(difference))
