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
from cryosense.alignment.precision import PAD, axes, shell_points, turn_rates
from cryosense.alignment.reference import Reference
from cryosense.alignment.schedule import FIRST_ORDER, shells_of
from cryosense.errors import ArgumentError
from cryosense.metrics import fsc
from cryosense.volumes.symmetry import point_group

SEEN = 0.5  # half-map FSC of the shells that are looked at
SHOWN = 0.143  # of those that a reference made of both halves shows
LEAST_SHELLS = 3
POINTS = 120  # of each shell


class Turns(NamedTuple):
    """q turns: angles (q,) to the nearest equivalent pose, and 1 - C_k, (q, n // 2 + 1), zero in shells that are not seen.

    ``rates``, (a, n // 2 + 1), are what small turns change, in finer shells too: see ``turn_rates``.
    """

    angle_deg: Tensor
    unlike: Tensor
    rates: Tensor

    @property
    def nearest(self) -> Tensor:
        """Which turns are by no more than a cell of the first grid, (q,) bool."""
        return self.angle_deg < 1.01 * grids.spacing_deg(FIRST_ORDER)

    def nats(self, signal: Tensor) -> Tensor:
        """Return D(Q) of each turn, (q,), for D_k (n // 2 + 1,)."""
        return (self.unlike * signal).sum(-1)

    def fisher(self, signal: Tensor) -> Tensor:
        """Return the information about small turns about each axis, (a,) per radian squared, for D_k (n // 2 + 1,)."""
        return (self.rates * signal).sum(-1)

    def deviation_deg(self, signal: Tensor) -> float:
        """Return the standard deviation about the axis of which least is said, in degrees: it is no less than this."""
        return math.degrees(float(self.fisher(signal).min()) ** -0.5) if bool((self.fisher(signal) > 0).all()) else math.inf


def turns(first: Tensor, second: Tensor, symmetry: str) -> Turns:
    """Return turns by a cell of the first grid about many axes, all larger ones of that grid, and rates of small ones.

    ``first`` and ``second`` are masked half maps (n, n, n). Products of one map with the other are free of noise in the mean.
    Turns are looked at in shells up to the first whose FSC is below ``SEEN``: a reference with which poses are first found
    shows no more; of small ones, those up to ``SHOWN`` count, too.

    Raises:
        ArgumentError: the maps agree in fewer than three shells.
    """
    agreeing, shown = (_agree(first, second, least) for least in (SEEN, SHOWN))
    seen = min(agreeing, shells_of(FIRST_ORDER))
    if seen < LEAST_SHELLS:
        raise ArgumentError(
            f"half maps agree (FSC above {SEEN:g}) in {seen} shells: what turns change is not to be seen in fewer than "
            f"{LEAST_SHELLS}; more particles are needed"
        )
    rotations, angles = _asked(symmetry)
    disc = Disc(first.shape[-1], min(seen + 1, first.shape[-1] // 2 - 1))
    one, other = (Reference(volume, disc, PAD) for volume in (first, second))
    unlike = torch.zeros(len(rotations), first.shape[-1] // 2 + 1, dtype=torch.float64)
    for shell in range(1, seen + 1):
        points = shell_points(shell, POINTS)
        here, same = one.at(points).conj(), other.at(points)
        away = torch.cat([other.at(points @ part.float().transpose(-1, -2)) for part in rotations.split(512)])
        unlike[:, shell] = 1 - (here * away).real.sum(-1) / (here * same).real.sum()
    return Turns(angles, unlike, turn_rates(first, second, agreeing, shown))


def _agree(first: Tensor, second: Tensor, least: float) -> int:
    """Return the last shell up to which the FSC of two maps is everywhere at least this."""
    beyond = (fsc(first, second)[1 : first.shape[-1] // 2] < least).nonzero()[:, 0]
    return int(beyond[0]) if len(beyond) else first.shape[-1] // 2 - 1


def _asked(symmetry: str) -> tuple[Tensor, Tensor]:
    """Return turns (q, 3, 3) and their angles (q,) to the nearest operation of the group."""
    least = grids.spacing_deg(FIRST_ORDER)
    rotations = torch.cat(
        [turned(math.radians(least) * axes()), grids.rotations(FIRST_ORDER, *grids.all_rotations(FIRST_ORDER, "C1"))]
    )
    same = torch.eye(3, dtype=torch.float64)
    angles = angles_between_deg(rotations, same, point_group(symmetry))
    far = angles > 0.999 * least
    return rotations[far], angles[far]
