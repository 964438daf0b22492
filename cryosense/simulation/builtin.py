"""The built-in molecule: one compact chain in two domains joined by a hinge, determined by its seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from cryosense.errors import ArgumentError

from .chain import STEP_ANGSTROM, Ellipsoid, Points, fold, side_chains
from .pseudo_atoms import PseudoAtoms

# A long domain along x and a smaller one across it: no symmetry, 140 Å from end to end.
LARGE_DOMAIN = Ellipsoid(centre=np.array([-40.0, 0.0, 0.0]), semi_axes=np.array([42.0, 30.0, 26.0]))
SMALL_DOMAIN = Ellipsoid(centre=np.array([32.0, 7.0, -3.0]), semi_axes=np.array([25.0, 31.0, 22.0]))
LARGE_RESIDUES, SMALL_RESIDUES = 680, 330
SIDE_CHAIN_WEIGHTS = (0.3, 1.7)
CENTRE = np.array([-12.0, 3.0, 0.0])


def continuum(first_deg: float = 0.0, last_deg: float = 40.0, steps: int = 9) -> list[float]:
    """Return evenly spaced hinge angles in degrees, (steps,), both ends included: a continuum, resolved to its step."""
    return np.linspace(first_deg, last_deg, steps).tolist()


@dataclass(frozen=True)
class HingedChain:
    """About 1,000 residues (110 kDa) in two domains, the smaller rotated about the hinge by each of ``hinge_angles_deg``.

    State i is the conformation at the i-th angle; angle 0 is the chain as folded. The larger domain never moves.

    Raises:
        ArgumentError: no angle is given, or the resolution is not positive.
    """

    seed: int = 0
    resolution_angstrom: float = 8.0
    hinge_angles_deg: Sequence[float] = (0.0,)

    def __post_init__(self) -> None:
        if not len(self.hinge_angles_deg):
            raise ArgumentError("hinge_angles_deg is empty: give at least one angle, [0.0] for a single conformation")
        if self.resolution_angstrom <= 0:
            raise ArgumentError(f"resolution_angstrom is {self.resolution_angstrom}: give a positive number")

    def states(self) -> pd.DataFrame:
        """Return one row per state: ``hinge_angle_deg``."""
        return pd.DataFrame([self.described(state) for state in range(self.state_count)])

    @property
    def state_count(self) -> int:
        """Return how many conformations there are."""
        return len(self.hinge_angles_deg)

    @property
    def largest_angstrom(self) -> float:
        """Return the largest diameter; see ``AtomicDensity``."""
        return 2 * max(float(self.atoms(angle).positions_angstrom.norm(dim=1).max()) for angle in self.hinge_angles_deg)

    def atoms_of(self, state: int) -> PseudoAtoms:
        """Return the atoms of a state; see ``AtomicDensity``."""
        return self.atoms(self.hinge_angles_deg[state])

    def described(self, state: int) -> dict[str, object]:
        """Return the row of a state; see ``AtomicDensity``."""
        return {"hinge_angle_deg": float(self.hinge_angles_deg[state])}

    def volumes(self, box_size: int, pixel_size_angstrom: float) -> Tensor:
        """Return the densities, (states, n, n, n); see ``Density``."""
        atoms = [self.atoms(angle) for angle in self.hinge_angles_deg]
        return torch.stack([a.render(box_size, pixel_size_angstrom, self.resolution_angstrom) for a in atoms])

    def atoms(self, hinge_angle_deg: float) -> PseudoAtoms:
        """Return two points per residue, C-alpha and side chain, with the small domain rotated about z through the hinge."""
        backbone, side_chains, weights = self._folded
        angle = np.deg2rad(hinge_angle_deg)
        turn = np.array([[np.cos(angle), -np.sin(angle), 0.0], [np.sin(angle), np.cos(angle), 0.0], [0.0, 0.0, 1.0]])
        moving = np.arange(len(backbone)) > LARGE_RESIDUES + 1
        hinge = backbone[LARGE_RESIDUES + 1]
        placed = [
            np.where(moving[:, None], (points - hinge) @ turn.T + hinge, points) - CENTRE for points in (backbone, side_chains)
        ]
        return PseudoAtoms(
            torch.from_numpy(np.concatenate(placed)).float(),
            torch.from_numpy(np.concatenate([np.ones(len(backbone)), weights])).float(),
        )

    @cached_property
    def _folded(self) -> tuple[Points, Points, Points]:
        """C-alpha and side-chain positions (m, 3) in chain order, residue LARGE_RESIDUES + 1 the hinge, and weights (m,)."""
        rng = np.random.default_rng(self.seed)
        linker = STEP_ANGSTROM * np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [2.0, 0.0, 0.0]])
        large = fold(rng, linker[::-1], LARGE_DOMAIN, LARGE_RESIDUES)
        small = fold(rng, np.concatenate([large, linker]), SMALL_DOMAIN, SMALL_RESIDUES)
        backbone = np.concatenate([large[::-1], linker, small])
        weights = rng.uniform(*SIDE_CHAIN_WEIGHTS, len(backbone))
        return backbone, side_chains(backbone, rng), weights
