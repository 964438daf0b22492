"""Whether a map has the symmetry that is told of it, about the middle of its box."""

from __future__ import annotations

import torch
from torch import Tensor

from cryosense.alignment.precision import shell_points
from cryosense.alignment.reference import Reference

POINTS = 240  # of each shell


def agreement(reference: Reference, operations: Tensor) -> float:
    """Return the lowest FSC of a map with itself turned by one of the ``operations`` (g, 3, 3).

    That is the mean over the finer half of its shells: the coarser ones of a compact particle are much alike under all turns.
    It is 1 without symmetry. Symmetry about an axis beside the middle shows as less, more so in finer shells.
    """
    limit = reference.disc.limit
    sums = torch.zeros(len(operations), dtype=torch.float64)
    for shell in range(limit // 2 + 1, limit + 1):
        points = shell_points(shell, POINTS)
        here = reference.at(points)
        there = torch.stack([reference.at(points @ each.float().T) for each in operations])
        powers = there.abs().square().sum(-1) * here.abs().square().sum()
        sums += ((here.conj() * there).real.sum(-1) / powers.sqrt().clamp_min(torch.finfo(powers.dtype).tiny)).double()
    return float(sums.min() / (limit - limit // 2))
