"""Molecules without end: number i is a chain of the list, or one made up, as it is, as an assembly or as a part of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from cryosense.errors import ArgumentError
from cryosense.seeding import generator
from cryosense.simulation.chain import Ellipsoid, fold, side_chains
from cryosense.simulation.pseudo_atoms import PseudoAtoms

from .assembly import LEAST_PART_RESIDUES, assembled, cropped
from .chains import Chain, Points
from .listing import SPLITS, Listed
from .packages import chain_of

SYMMETRIES = ("C2", "C3", "C4", "C5", "C6", "C7", "D2", "D3", "D4", "D5", "D6", "D7")
FORMS = ("chain", "assembly", "part")
MADE_UP = "made up"
MOST_TRIALS = 200
# A made-up chain: its residues, the volume of each, and how flat and long its ellipsoid may be.
RESIDUES = (120, 700)
VOLUME_ANGSTROM3 = 205.0
FLATTEST = 0.55
SIDE_CHAIN_WEIGHTS = (0.3, 1.7)
RESIDUE_WEIGHT = 9.0  # of two points, in the scattering of a residue's atoms


@dataclass(frozen=True)
class Molecule:
    """Atoms about the middle of their extent, and what they are: their form ("D3" for an assembly), the chain and its fold."""

    atoms: PseudoAtoms
    form: str
    name: str
    fold: str

    @property
    def diameter_angstrom(self) -> float:
        """Return twice the distance of the farthest atom."""
        return 2 * float(self.atoms.positions_angstrom.norm(dim=1).max())


def made(chain: Chain, form: str, rng: np.random.Generator) -> tuple[PseudoAtoms, str]:
    """Return a chain's atoms in one of FORMS, or as an assembly of the point group that is named, and the form's name.

    They lie about the middle of their extent, an assembly about its axis, as ``symmetry=`` of other verbs has it.

    Raises:
        ArgumentError: another form.
    """
    if form == "assembly":
        form = str(rng.choice(SYMMETRIES))
    if form == "part":
        part = cropped(chain, rng)
        positions, weights = part.positions, part.weights
    elif form == "chain":
        positions, weights = chain.positions, chain.weights
    else:
        positions, weights = assembled(chain, form, rng)
    middle = (positions.min(0) + positions.max(0)) / 2
    if form not in FORMS:
        middle[:2] = 0  # of three or five copies the middle is off the axis
    return PseudoAtoms(torch.from_numpy(positions - middle).float(), torch.from_numpy(weights).float()), form


def made_up(seed: int) -> Chain:
    """Return a chain that no protein has, folded inside an ellipsoid of any shape; two points a residue."""
    rng = np.random.default_rng(seed)
    residues = int(rng.integers(*RESIDUES))
    shape = np.sort(rng.uniform(FLATTEST, 1.0, 3))[::-1]
    axes = shape * (residues * VOLUME_ANGSTROM3 * 3 / (4 * np.pi) / shape.prod()) ** (1 / 3)
    start = np.zeros((1, 3))
    backbone = np.concatenate([start, fold(rng, start, Ellipsoid(np.zeros(3), axes), residues - 1)])
    weights = RESIDUE_WEIGHT * rng.uniform(*SIDE_CHAIN_WEIGHTS, residues)
    positions: Points = np.concatenate([backbone, side_chains(backbone, rng)])
    owners = np.tile(np.arange(residues), 2)
    both = np.concatenate([np.full(residues, RESIDUE_WEIGHT), weights])
    return Chain(positions, both, owners, np.arange(residues), "X" * residues)


@dataclass(frozen=True)
class Drawing:
    """How molecules are drawn: from which chains, in which forms, how many made up, none longer than ``largest_angstrom``.

    Raises:
        ArgumentError: no form, a form that there is not, or a share outside [0, 1].
    """

    rows: Sequence[Listed]
    forms: Sequence[str]
    made_up_share: float
    largest_angstrom: float
    seed: int
    split: str

    def __post_init__(self) -> None:
        unknown = [form for form in self.forms if form not in (*FORMS, *SYMMETRIES)]
        if unknown or not self.forms:
            raise ArgumentError(f"forms: choose among {', '.join((*FORMS, *SYMMETRIES))}, not {', '.join(unknown) or 'none'}")
        if not 0 <= self.made_up_share <= 1:
            raise ArgumentError(f"made_up_share is {self.made_up_share}: give a share between 0 and 1")

    def molecule(self, index: int) -> Molecule:
        """Return molecule ``index`` of the seed, whatever others are asked for; what is too large is drawn again.

        Raises:
            ArgumentError: hardly anything is small enough.
            MissingExtraError, ModelFileError: as ``chain_of``.
        """
        rng = generator(self.seed, index, 0)
        for _ in range(MOST_TRIALS):
            chain, name, fold_name = self._chain(rng)
            form = str(rng.choice(list(self.forms)))
            if form == "part" and len(chain.alpha) <= LEAST_PART_RESIDUES:
                form = "chain"
            molecule = Molecule(*made(chain, form, rng), name, fold_name)
            if molecule.diameter_angstrom <= self.largest_angstrom:
                return molecule
        raise ArgumentError(
            f"largest_angstrom is {self.largest_angstrom:g}: of {MOST_TRIALS} molecules none was as small: make it larger"
        )

    def _chain(self, rng: np.random.Generator) -> tuple[Chain, str, str]:
        """Return a chain, its name and its fold."""
        if rng.random() < self.made_up_share:
            # Seeds of one split are those of no other.
            seed = len(SPLITS) * int(rng.integers(2**31)) + SPLITS.index(self.split)
            return made_up(seed), f"{MADE_UP} {seed}", MADE_UP
        row = self.rows[int(rng.integers(len(self.rows)))]
        return chain_of(row), row.name, row.fold
