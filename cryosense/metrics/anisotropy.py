"""Resolution by direction, and whether the views leave directions out."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor

THRESHOLD = 0.143
# A missing cone of 26 degrees about one axis; evenly spread views leave out nothing.
LARGEST_UNREACHED_SHARE = 0.1


@dataclass(frozen=True)
class Anisotropy:
    """FSC (d, n // 2 + 1) in cones about d directions, a table row for each, and the resolution at which reach was judged."""

    curves: Tensor
    table: pd.DataFrame
    half_angle_deg: float
    judged_at_angstrom: float

    def columns(self) -> dict[str, Tensor]:
        """Return the lowest, middle and highest value of each shell over the directions, as curves (n // 2 + 1,)."""
        low, middle, high = torch.quantile(self.curves, torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64), dim=0)
        return {"cone_minimum": low, "cone_median": middle, "cone_maximum": high}

    @property
    def unreached_share(self) -> float:
        """Share of all directions that no particle shows at the resolution."""
        return float((~self.table["reached"]).mean())

    def warning(self) -> str | None:
        """Return one line about the views, or None if they leave out no more than a tenth of the directions."""
        share = self.unreached_share
        if share <= LARGEST_UNREACHED_SHARE:
            return None
        return (
            f"no particle shows {share:.0%} of the map's Fourier space at {self.judged_at_angstrom:.3g} Å: there are too few "
            "different views, and an FSC does not see what is missing; look at anisotropy.png"
        )
