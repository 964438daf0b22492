"""How resolution by direction is examined."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor

from cryosense.errors import ArgumentError
from cryosense.metrics import conical_fsc, half_sphere, resolution_angstrom
from cryosense.metrics.anisotropy import THRESHOLD, Anisotropy
from cryosense.volumes.views import unreached


@dataclass(frozen=True)
class Cones:
    """FSC by direction: in double cones of ``half_angle_deg`` about directions spread over half a sphere.

    Raises:
        ArgumentError: no direction, or an angle out of range.
    """

    directions: int = 100
    half_angle_deg: float = 20.0

    def __post_init__(self) -> None:
        if self.directions < 1 or not 0 < self.half_angle_deg <= 90:
            raise ArgumentError(
                f"directions={self.directions}, half_angle_deg={self.half_angle_deg}: give at least one direction "
                "and an angle above 0 and up to 90"
            )

    def assess(self, half1: Tensor, half2: Tensor, views: Tensor, resolution: float, pixel_size_angstrom: float) -> Anisotropy:
        """Return what depends on direction, for masked half maps (n, n, n) and viewing directions (v, 3).

        Reach is judged at ``resolution``, in Angstrom; where nothing is resolved, reach is judged at Nyquist.
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
