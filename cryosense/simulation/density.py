"""What is simulated: a density in one or several conformations."""

from __future__ import annotations

from typing import Protocol

import pandas as pd
from torch import Tensor

from .pseudo_atoms import PseudoAtoms


class Density(Protocol):
    """A molecule that can be drawn at any box and pixel size. Protein is positive, solvent zero."""

    def volumes(self, box_size: int, pixel_size_angstrom: float) -> Tensor:
        """Return the densities, (states, n, n, n) float32, indexed z, y, x and centred on n // 2.

        Raises:
            ArgumentError: a molecule that does not fit into the box.
        """

    def states(self) -> pd.DataFrame:
        """Return one row per conformation, indexed by state; the columns say what distinguishes them, with units."""


class AtomicDensity(Protocol):
    """One or many molecules made of atoms, of which each can be drawn alone. No diameter is above ``largest_angstrom``."""

    @property
    def state_count(self) -> int:
        """Return how many states there are."""

    @property
    def largest_angstrom(self) -> float:
        """Return a bound on the diameters of all states."""

    @property
    def resolution_angstrom(self) -> float:
        """Return the resolution to which densities are rendered."""

    def atoms_of(self, state: int) -> PseudoAtoms:
        """Return the atoms of a state, about the middle of the box."""

    def described(self, state: int) -> dict[str, object]:
        """Return what distinguishes a state: its row of ``Density.states``."""
