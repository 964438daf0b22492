"""Several atomic models from files: each is one state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from cryosense.errors import ArgumentError

from .files import ModelDensity
from .pseudo_atoms import PseudoAtoms


@dataclass(frozen=True)
class SeveralModels:
    """Atomic models in PDB or mmCIF format, one state each; see ``ModelDensity``.

    Raises:
        ArgumentError: no path.
        ModelFileError: no such file, or no atoms in it.
    """

    paths: Sequence[str]
    resolution_angstrom: float = 8.0

    def __post_init__(self) -> None:
        if not len(self.paths):
            raise ArgumentError("paths is empty: name at least one atomic model")
        self._atoms  # noqa: B018 - all files are read before anything is made

    @cached_property
    def _atoms(self) -> list[PseudoAtoms]:
        return [ModelDensity(path, self.resolution_angstrom).atoms() for path in self.paths]

    @property
    def state_count(self) -> int:
        """Return how many models there are."""
        return len(self.paths)

    @property
    def largest_angstrom(self) -> float:
        """Return the largest diameter; see ``AtomicDensity``."""
        return 2 * max(float(atoms.positions_angstrom.norm(dim=1).max()) for atoms in self._atoms)

    def atoms_of(self, state: int) -> PseudoAtoms:
        """Return the atoms of a model; see ``AtomicDensity``."""
        return self._atoms[state]

    def described(self, state: int) -> dict[str, object]:
        """Return the row of a state; see ``AtomicDensity``."""
        return {"molecule": Path(self.paths[state]).name}

    def states(self) -> pd.DataFrame:
        """Return one row per model: ``molecule``, the file's name."""
        return pd.DataFrame([self.described(state) for state in range(self.state_count)])

    def volumes(self, box_size: int, pixel_size_angstrom: float) -> Tensor:
        """Return the densities, (models, n, n, n); see ``Density``."""
        return torch.stack([atoms.render(box_size, pixel_size_angstrom, self.resolution_angstrom) for atoms in self._atoms])
