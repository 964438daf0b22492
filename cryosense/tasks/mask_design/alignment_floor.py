"""What masks or quantisers must leave of each particle so that its pose can be found from it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from cryosense.alignment.information import information_per_shell, least_profile, lost_share, needed_nats
from cryosense.alignment.turning import Turns
from cryosense.operators.masks import MaskError
from cryosense.volumes.symmetry import point_group

LEAST_NATS = 20.0  # as a floor fewer have not been tried: see experiments/poses
MOST_LOST = 0.05  # of the particles, by the first grid
NOTHING = 1e-9  # nats
SLACK = 1e-6  # so that the linear program has a solution where all is kept
POSES = ("unknown", "known")
ELSEWHERE = "a design for particles whose poses come from elsewhere is made with poses=known"


class Floors(NamedTuple):
    """Conditions on the share of each shell that is left: ``said @ share >= needed``.

    Attributes:
        said: (q, n // 2 + 1) nats, or nats per radian squared, that whole shells add to each.
        needed: (q,) of them.
    """

    said: Tensor
    needed: Tensor

    def short(self, share: Tensor) -> Tensor:
        """Return, (q,), how much of what is needed is missing where (n // 2 + 1,) is left; negative where more is there."""
        return (self.needed - self.said @ share) / self.needed.abs().clamp_min(NOTHING)


@dataclass(frozen=True)
class AlignmentFloor:
    """A floor under the information that each particle gives about its pose.

    Attributes:
        poses: ``unknown``, so that masks must leave that much, or ``known``, from elsewhere, so that they need not.
        nats: by which the right pose of a particle is to be likelier, in the mean, than one that is turned from it as far as
            possible; nearer poses are fewer, and need less: see ``needed_nats``. Where the whole particle has less, all of it.
        symmetry: point group of the particle, Cn or Dn: equivalent poses are not told apart.
        error_factor: what is left of the information about small turns makes errors about any axis at most so many times those
            of the unmasked particle: see ``cryosense.alignment.precision``. Signs cost the square root of pi / 2, 1.25.

    Raises:
        MaskError: another word for ``poses``, a floor that does not tell the poses of one grid apart, or a factor below 1.
        ArgumentError: another group.
    """

    poses: str = "unknown"
    nats: float = 25.0
    symmetry: str = "C1"
    error_factor: float = 1.25

    def __post_init__(self) -> None:
        point_group(self.symmetry)
        if self.poses not in POSES:
            raise MaskError(f"poses={self.poses}: {' or '.join(POSES)}")
        if not self.nats >= LEAST_NATS:
            raise MaskError(
                f"alignment_floor={self.nats:g} nats do not tell the poses of one grid apart, {LEAST_NATS:g} are needed; "
                f"{ELSEWHERE}"
            )
        if not self.error_factor >= 1:
            raise MaskError(f"pose_error_factor={self.error_factor:g}: masks do not make poses better, give 1 or more")

    @property
    def sought(self) -> bool:
        """Whether poses are to be found in what is left."""
        return self.poses == "unknown"

    def least(self, map_snr: Tensor, particles: int, turns: Turns | None) -> Tensor | None:
        """Return the keep probabilities, (n // 2 + 1,), that poses need; None if they are known. See ``floors``."""
        floors = self.floors(map_snr, particles, turns)
        return None if floors is None else least_profile(*floors)

    def floors(self, map_snr: Tensor, particles: int, turns: Turns | None, of_weak: float = 1 - SLACK) -> Floors | None:
        """Return what must be left of shells so that poses can be found; None if they are known.

        ``map_snr`` is s(k), (n // 2 + 1,), of the half maps of this many particles. Two conditions: the first grid finds the
        neighbourhood of the pose (where even all of a particle does not have the floor, ``of_weak`` of all that tells these
        poses apart is kept), and the last one finds the pose in it.

        Raises:
            MaskError: particles that cannot be aligned even without masks, or a pilot without half maps.
        """
        if not self.sought:
            return None
        if turns is None:
            raise MaskError(
                "pilot: what turns change is seen in half maps, which are not there; give the directory of a "
                f"back-projection or the two maps; {ELSEWHERE}"
            )
        signal = information_per_shell(map_snr, particles)
        needed, whole = needed_nats(turns.angle_deg, self.nats), turns.nats(signal)
        lost = self._lost(turns, signal)
        if lost > MOST_LOST:
            worst = int((whole / needed).argmin())
            raise MaskError(
                f"even without masks up to {lost:.0%} of particles lose their pose in the first grid of align, at most "
                f"{MOST_LOST:.0%} are allowed: a pose and one {float(turns.angle_deg[worst]):.0f} degrees from it differ by "
                f"{float(whole[worst]):.3g} nats (a particle with a symmetry? symmetry={self.symmetry}); {ELSEWHERE}"
            )
        said = torch.cat([turns.unlike, turns.rates]) * signal
        precise = (1 - SLACK) / self.error_factor**2 * turns.fisher(signal)
        return Floors(said, torch.cat([torch.minimum(needed, of_weak * whole), precise]))

    def _lost(self, turns: Turns, signal: Tensor) -> float:
        return lost_share(turns.nats(signal)[~turns.nearest], len(point_group(self.symmetry)))

    def summary(
        self, map_snr: Tensor, share: Tensor, particles: int, turns: Turns | None, without: str = "without_masks"
    ) -> dict[str, object]:
        """Return the floor that a share (n // 2 + 1,) of shells keeps, what the first grid then loses, how far poses scatter.

        And these where all is kept, under names that end in ``without``.

        None stands for what is not known without half maps, or has no end.
        """
        signal = information_per_shell(map_snr, particles)
        found: dict[str, object] = {"poses": self.poses, "pose_error_factor": None}
        for ending, kept in (("", share * signal), (f"_{without}", signal)):
            floor = deviation = lost = None
            if turns is not None:
                lost, deviation = self._lost(turns, kept), _finite(turns.deviation_deg(kept))
                floor = float((turns.nats(kept) / needed_nats(turns.angle_deg, 1.0)).min())
            found |= {
                f"alignment_floor{ending}_nats": floor,
                f"poses_lost{ending}": lost,
                f"pose_deviation{ending}_deg": deviation,
            }
        if turns is not None:
            left = turns.fisher(share * signal) / turns.fisher(signal)
            found["pose_error_factor"] = _finite(float(left.min()) ** -0.5) if bool((left > 0).all()) else None
        return found


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
