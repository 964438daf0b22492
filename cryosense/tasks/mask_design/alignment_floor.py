"""What masks must leave of each particle, so that its pose can be found in it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from cryosense.alignment.information import information_per_shell, least_information, least_profile
from cryosense.operators.masks import MaskError

POSES = ("unknown", "known")


@dataclass(frozen=True)
class AlignmentFloor:
    """A floor under the information that each particle gives of its pose.

    Attributes:
        poses: ``unknown``, so that masks must leave as much, or ``known``, from elsewhere, so that they need not.
        nats: by which the right pose of a particle is to be likelier than an unrelated one, in the mean: see
            :mod:`cryosense.alignment.information`.

    Raises:
        MaskError: another word, a floor below that of one grid.
    """

    poses: str = "unknown"
    nats: float = 100.0

    def __post_init__(self) -> None:
        if self.poses not in POSES:
            raise MaskError(f"poses={self.poses}: {' or '.join(POSES)}")
        if not self.nats >= least_information():
            raise MaskError(
                f"alignment_floor={self.nats:g} nats do not tell the poses of one grid apart, {least_information():.0f} are "
                "needed; masks for particles whose poses come from elsewhere are made with poses=known"
            )

    def least(self, map_snr: Tensor, particles: int) -> Tensor | None:
        """(n // 2 + 1,) s(k) of the half maps of so many particles -> keep probabilities that poses need; known: None.

        Raises:
            MaskError: particles that cannot be aligned even without masks.
        """
        if self.poses == "known":
            return None
        information = information_per_shell(map_snr, particles)
        if float(information.sum()) < self.nats:
            raise MaskError(
                f"alignment_floor={self.nats:g} nats: even without masks a particle says {float(information.sum()):.3g} of "
                "its pose; masks for particles whose poses come from elsewhere are made with poses=known"
            )
        return least_profile(information, self.nats)

    def summary(self, map_snr: Tensor, keep_probability: Tensor, particles: int) -> dict[str, object]:
        """-> what masks leave of a pose, and what there is without them."""
        information = information_per_shell(map_snr, particles)
        return {
            "poses": self.poses,
            "pose_information_nats": float((keep_probability * information).sum()),
            "pose_information_without_masks_nats": float(information.sum()),
        }
