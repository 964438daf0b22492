"""Resolution by direction, and whether the views leave directions out."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor

from cryosense.errors import ArgumentError
from cryosense.metrics import conical_fsc, half_sphere, resolution_angstrom
from cryosense.volumes.views import unreached

THRESHOLD = 0.143
# A missing cone of 26 degrees about one axis; evenly spread views leave out nothing.
LARGEST_UNREACHED_SHARE = 0.1


@dataclass(frozen=True)
class Cones:
    """How FSC is looked at by direction: in double cones of ``half_angle_deg`` about directions spread over half a sphere."""

    directions: int
    half_angle_deg: float

    def __post_init__(self) -> None:
        if self.directions < 1 or not 0 < self.half_angle_deg <= 90:
            raise ArgumentError(
                f"cones.directions={self.directions}, cones.half_angle_deg={self.half_angle_deg}: give at least one direction "
                "and an angle above 0 and up to 90"
            )

    def assess(self, half1: Tensor, half2: Tensor, views: Tensor, resolution: float, pixel_size_angstrom: float) -> Anisotropy:
        """(n, n, n) masked half maps, (v, 3) views -> what depends on direction, reach judged at ``resolution`` Angstrom.

        Where nothing is resolved, reach is judged at Nyquist.
        """
        n = half1.shape[-1]
        directions = half_sphere(self.directions)
        curves = conical_fsc(half1, half2, directions, self.half_angle_deg)
        shell = max(1, round(n * pixel_size_angstrom / resolution)) if resolution < float("inf") else n // 2
        missed = unreached(views, directions, shell)
        x, y, z = directions.T
        table = pd.DataFrame(
            {
                "x": x.numpy(),
                "y": y.numpy(),
                "z": z.numpy(),
                "rot_deg": torch.rad2deg(torch.atan2(y, x)).numpy(),
                "tilt_deg": torch.rad2deg(torch.acos(z)).numpy(),
                "resolution_angstrom": [resolution_angstrom(c, pixel_size_angstrom, n, THRESHOLD) for c in curves],
                "at_nyquist": (curves[:, 1:] >= THRESHOLD).all(1).numpy(),
                "reached": (~missed).numpy(),
            }
        )
        return Anisotropy(curves, table, self.half_angle_deg, n * pixel_size_angstrom / shell)


@dataclass(frozen=True)
class Anisotropy:
    """FSC (d, n // 2 + 1) in the cones about d directions, a row for each, and at which resolution reach was judged."""

    curves: Tensor
    table: pd.DataFrame
    half_angle_deg: float
    judged_at_angstrom: float

    def columns(self) -> dict[str, Tensor]:
        """-> curves (n // 2 + 1,): the lowest, middle and highest value of each shell over the directions."""
        low, middle, high = torch.quantile(self.curves, torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64), dim=0)
        return {"cone_minimum": low, "cone_median": middle, "cone_maximum": high}

    @property
    def unreached_share(self) -> float:
        """-> share of all directions that no particle shows at the resolution."""
        return float((~self.table["reached"]).mean())

    def warning(self) -> str | None:
        """-> what is to be said of the views in one line, None where they leave out no more than a tenth of the directions."""
        share = self.unreached_share
        if share <= LARGEST_UNREACHED_SHARE:
            return None
        return (
            f"no particle shows {share:.0%} of the map's Fourier space at {self.judged_at_angstrom:.3g} Å: there are too few "
            "different views, and an FSC does not see what is missing; look at anisotropy.png"
        )
