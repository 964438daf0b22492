"""What is simulated: a density in one or several conformations."""

from __future__ import annotations

from typing import Protocol

import pandas as pd
from torch import Tensor


class Density(Protocol):
    """A molecule that can be drawn at any box and pixel size. Protein is positive, solvent zero."""

    def volumes(self, box_size: int, pixel_size_angstrom: float) -> Tensor:
        """Return the densities, (states, n, n, n) float32, indexed z, y, x and centred on n // 2.

        Raises:
            ArgumentError: a molecule that does not fit into the box.
        """

    def states(self) -> pd.DataFrame:
        """Return one row per conformation, indexed by state; the columns say what distinguishes them, with units."""
