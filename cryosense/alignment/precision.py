"""How precisely a particle tells its pose: the Fisher information about small turns, shell by shell.

A turn by a small angle t about an axis a costs the log likelihood, in the mean over poses, t^2 / 2 times

    I(a) = sum over shells k of D_k L_k(a),    L_k(a) = <|(a . L) F|^2> / <|F|^2>,    L = k x grad,

with D_k the information in the shell's measured signal (``cryosense.alignment.information``), F the particle's transform and
<> the mean over the shell in 3D. Errors about a scatter by I(a)^(-1/2) at least. If masks leave 1 / f^2 of I about every axis,
the covariance of errors is at most f^2 times that of the unmasked particle, and so their median, or any other quantile, at
most f times: as if noise were f^2 times as strong. That is so while the right maximum of the likelihood is found.

A point at r has L_k(a) = (2 pi k / n)^2 |a x r|^2 / 3, and a particle the mean of that over its parts in shells so fine that
products of different parts average out.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from cryosense.alignment import grids
from cryosense.alignment.coefficients import Disc
from cryosense.alignment.polish import turned
from cryosense.alignment.reference import Reference

AXES_ORDER = 1  # of the grid of axes: 48
STEP_DEG = 1.0  # of the differences from which derivatives are computed
POINTS = 480  # of each shell
PAD = 2


def axes() -> Tensor:
    """Return unit vectors (a, 3), x, y, z, spread evenly."""
    rot, tilt = torch.deg2rad(grids.views_deg(AXES_ORDER)).unbind(-1)
    return torch.stack([tilt.sin() * rot.cos(), tilt.sin() * rot.sin(), tilt.cos()], dim=-1)


def turn_rates(first: Tensor, second: Tensor, seen: int, last: int) -> Tensor:
    """Return L_k for each of ``axes``, (a, n // 2 + 1) per radian squared, up to shell ``last``; 0 beyond.

    ``first`` and ``second`` are masked half maps (n, n, n) that agree up to shell ``seen``; products of one with the other are
    free of noise in the mean. In finer shells, too noisy for that, rates are taken to grow as k^2 from the finer half of them.
    """
    n = first.shape[-1]
    disc = Disc(n, min(seen + 1, n // 2 - 1))
    maps = [Reference(volume, disc, PAD) for volume in (first, second)]
    ahead = turned(math.radians(STEP_DEG) / 2 * axes()).float()
    rates = torch.zeros(len(ahead), n // 2 + 1, dtype=torch.float64)
    for shell in range(1, seen + 1):
        points = shell_points(shell, POINTS)
        one, other = ((each.at(points @ ahead.mT) - each.at(points @ ahead)) / math.radians(STEP_DEG) for each in maps)
        here, same = (each.at(points) for each in maps)
        rates[:, shell] = (one.conj() * other).real.sum(-1) / (here.conj() * same).real.sum()
    finer, squares = slice(seen // 2 + 1, seen + 1), torch.arange(n // 2 + 1, dtype=torch.float64) ** 2
    growth = rates[:, finer].sum(1) / squares[finer].sum()
    rates[:, seen + 1 : last + 1] = growth[:, None] * squares[seen + 1 : last + 1]
    return rates.clamp_min(0)


def shell_points(shell: int, count: int) -> Tensor:
    """Return points (count, 3), x, y, z in Fourier pixels, spread evenly over half of a sphere: one of each Friedel pair.

    The radius is the root mean square of those of an image's coefficients in the shell. The points lie along a spiral of the
    golden angle, away from the lattice, so that interpolation takes the same from all turns.
    """
    axis = torch.arange(-shell - 1, shell + 2, dtype=torch.float64)
    squares = axis[:, None] ** 2 + axis**2
    radius = squares[squares.sqrt().round() == shell].mean().sqrt()
    place = torch.arange(count, dtype=torch.float64)
    height = (place + 0.5) / count
    longitude = math.pi * (3 - math.sqrt(5)) * place
    across = (1 - height**2).sqrt()
    return (radius * torch.stack([height, across * longitude.cos(), across * longitude.sin()], dim=-1)).float()
