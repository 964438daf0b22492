"""What a turn of a particle changes in each shell of its transform.

The log likelihood of the right pose lies above that of a pose turned by Q, over random poses and in the mean, by

    D(Q) = sum over shells k of D_k (1 - C_k(Q)),    C_k(Q) = <conj(F) F(Q .)> / <|F|^2>,

with D_k the information in the shell's measured signal (``cryosense.alignment.information``) and <> the mean over the shell
of the particle's transform F in 3D. For a small turn about an axis that is half its square times the Fisher information about
it, D_k <|L F|^2> / <|F|^2> with L = k x grad; for larger turns every pose that resembles the right one shows. Shells whose
power is that of a ball, or of an ellipsoid with its four equivalent poses, add nothing to some D(Q), however strong they are.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from cryosense.alignment import grids
from cryosense.alignment.coefficients import Disc
from cryosense.alignment.polish import turned
from cryosense.alignment.posterior import angles_between_deg
from cryosense.alignment.reference import Reference
from cryosense.alignment.schedule import FIRST_ORDER, shells_of
from cryosense.errors import ArgumentError
from cryosense.metrics import fsc
from cryosense.volumes.symmetry import point_group

SEEN = 0.5  # half-map FSC of the shells that are used
LEAST_SHELLS = 3
POINTS = 120  # of each shell
AXES_ORDER = 1  # of the grid of the axes of the smallest turns: 48 axes
PAD = 2


class Turns(NamedTuple):
    """q turns: angles (q,) to the nearest equivalent pose, and 1 - C_k, (q, n // 2 + 1), zero in shells that are not seen."""

    angle_deg: Tensor
    unlike: Tensor

    @property
    def nearest(self) -> Tensor:
        """Which turns are by no more than a cell of the first grid, (q,) bool."""
        return self.angle_deg < 1.01 * grids.spacing_deg(FIRST_ORDER)

    def nats(self, signal: Tensor) -> Tensor:
        """Return D(Q) of each turn, (q,), for D_k (n // 2 + 1,)."""
        return (self.unlike * signal).sum(-1)


def turns(first: Tensor, second: Tensor, symmetry: str) -> Turns:
    """Return turns by a cell of the first grid about many axes, and all larger ones of that grid.

    ``first`` and ``second`` are masked half maps (n, n, n). Products of one map with the other are free of noise in the mean.
    Shells are used up to the first whose FSC is below ``SEEN``: a reference with which poses are first found shows no more.

    Raises:
        ArgumentError: the maps agree in fewer than three shells.
    """
    curve = fsc(first, second)
    unseen = (curve[1 : first.shape[-1] // 2] < SEEN).nonzero()[:, 0]
    seen = int(unseen[0]) if len(unseen) else first.shape[-1] // 2 - 1
    seen = min(seen, shells_of(FIRST_ORDER))
    if seen < LEAST_SHELLS:
        raise ArgumentError(
            f"half maps agree (FSC above {SEEN:g}) in {seen} shells: what turns change is not to be seen in fewer than "
            f"{LEAST_SHELLS}; more particles are needed"
        )
    rotations, angles = _asked(symmetry)
    disc = Disc(first.shape[-1], min(seen + 1, first.shape[-1] // 2 - 1))
    one, other = (Reference(volume, disc, PAD) for volume in (first, second))
    unlike = torch.zeros(len(rotations), len(curve), dtype=torch.float64)
    for shell in range(1, seen + 1):
        points = _points(shell)
        here, same = one.at(points).conj(), other.at(points)
        away = torch.cat([other.at(points @ part.float().transpose(-1, -2)) for part in rotations.split(512)])
        unlike[:, shell] = 1 - (here * away).real.sum(-1) / (here * same).real.sum()
    return Turns(angles, unlike)


def _asked(symmetry: str) -> tuple[Tensor, Tensor]:
    """Return turns (q, 3, 3) and their angles (q,) to the nearest operation of the group."""
    least = grids.spacing_deg(FIRST_ORDER)
    rot, tilt = torch.deg2rad(grids.views_deg(AXES_ORDER)).unbind(-1)
    axes = torch.stack([tilt.sin() * rot.cos(), tilt.sin() * rot.sin(), tilt.cos()], dim=-1)
    rotations = torch.cat(
        [turned(math.radians(least) * axes), grids.rotations(FIRST_ORDER, *grids.all_rotations(FIRST_ORDER, "C1"))]
    )
    same = torch.eye(3, dtype=torch.float64)
    angles = angles_between_deg(rotations, same, point_group(symmetry))
    far = angles > 0.999 * least
    return rotations[far], angles[far]


def _points(shell: int) -> Tensor:
    """Return points (p, 3), x, y, z in Fourier pixels, spread evenly over half of a sphere: one of each Friedel pair.

    The radius is the root mean square of those of an image's coefficients in the shell. The points lie along a spiral of the
    golden angle, away from the lattice, so that interpolation takes the same from all turns.
    """
    axis = torch.arange(-shell - 1, shell + 2, dtype=torch.float64)
    squares = axis[:, None] ** 2 + axis**2
    radius = squares[squares.sqrt().round() == shell].mean().sqrt()
    place = torch.arange(POINTS, dtype=torch.float64)
    height = (place + 0.5) / POINTS
    longitude = math.pi * (3 - math.sqrt(5)) * place
    across = (1 - height**2).sqrt()
    return (radius * torch.stack([height, across * longitude.cos(), across * longitude.sin()], dim=-1)).float()


def deviation_deg(nats: float) -> float:
    """Return a pose's standard deviation about an axis in degrees, by the least D(Q) of turns by a cell of the first grid."""
    return grids.spacing_deg(FIRST_ORDER) / math.sqrt(2 * nats) if nats > 0 else math.inf
