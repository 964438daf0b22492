"""Many molecules as a density: each is one state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd
import torch
from torch import Tensor

from cryosense.errors import ArgumentError
from cryosense.simulation.pseudo_atoms import PseudoAtoms

from .listing import listed
from .molecules import Drawing, Molecule

KEPT_MOLECULES = 64


@dataclass(frozen=True)
class MoleculeLibrary:
    """``molecules`` molecules of one split: listed chains, and a share of made-up ones, in the forms that are named.

    ``names`` chooses chains of the list, whatever their split. Molecule i depends on the seed, i and the other keys but
    ``molecules``, so more molecules are the same ones and others. ``largest_angstrom`` bounds their diameter: a box must hold
    that and the resolution.

    Raises:
        ArgumentError: a key out of range, named in the message.
        MissingExtraError: the structures are not installed.
    """

    split: str = "training"
    names: Sequence[str] | None = None
    molecules: int = 8
    forms: Sequence[str] = ("chain", "assembly", "part")
    made_up_share: float = 0.0
    largest_angstrom: float = 200.0
    resolution_angstrom: float = 8.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.molecules < 1:
            raise ArgumentError(f"molecules is {self.molecules}: give at least 1")
        if self.resolution_angstrom <= 0:
            raise ArgumentError(f"resolution_angstrom is {self.resolution_angstrom}: give a positive number")
        if self.seed < 0:
            raise ArgumentError(f"seed is {self.seed}: it must not be negative")
        self.molecule(0)

    @cached_property
    def _drawing(self) -> Drawing:
        rows = listed(self.split, self.names)
        return Drawing(rows, self.forms, self.made_up_share, self.largest_angstrom, self.seed, self.split)

    @cached_property
    def _kept(self) -> dict[int, Molecule]:
        return {}

    def molecule(self, state: int) -> Molecule:
        """Return the molecule of a state; the last few are kept."""
        if state not in self._kept:
            while len(self._kept) >= KEPT_MOLECULES:
                del self._kept[next(iter(self._kept))]
            self._kept[state] = self._drawing.molecule(state)
        return self._kept[state]

    def atoms_of(self, state: int) -> PseudoAtoms:
        """Return the atoms of a state; see ``AtomicDensity``."""
        return self.molecule(state).atoms

    @property
    def state_count(self) -> int:
        """Return how many molecules there are."""
        return self.molecules

    def states(self) -> pd.DataFrame:
        """Return one row per molecule: ``molecule``, ``fold``, ``form`` and ``diameter_angstrom``."""
        return pd.DataFrame([self.described(state) for state in range(self.molecules)])

    def described(self, state: int) -> dict[str, object]:
        """Return the row of a state; see ``AtomicDensity``."""
        molecule = self.molecule(state)
        return {
            "molecule": molecule.name,
            "fold": molecule.fold,
            "form": molecule.form,
            "diameter_angstrom": round(molecule.diameter_angstrom, 1),
        }

    def volumes(self, box_size: int, pixel_size_angstrom: float) -> Tensor:
        """Return the densities, (molecules, n, n, n); see ``Density``."""
        atoms = map(self.atoms_of, range(self.molecules))
        return torch.stack([each.render(box_size, pixel_size_angstrom, self.resolution_angstrom) for each in atoms])
