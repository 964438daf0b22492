"""Chains of proteins: their atoms without hydrogens, as Gaussians' centres and weights, and their sequence."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gemmi
import numpy as np
from numpy.typing import NDArray

from cryosense.biology.model_files import read_structure

Points = NDArray[np.float64]
ELEMENTS = ("C", "N", "O", "S")
UNKNOWN_RESIDUE = "X"


@dataclass(frozen=True)
class Chain:
    """Atoms of a chain: positions (m, 3) in Angstrom, scattering weights (m,), the residue of each, (m,) from 0 in order.

    ``alpha`` says which atom is the C-alpha of each residue, (r,); ``sequence`` has r letters.
    """

    positions: Points
    weights: Points
    residues: NDArray[np.int64]
    alpha: NDArray[np.int64]
    sequence: str

    @property
    def sequence_hash(self) -> str:
        """Return 16 hexadecimal digits of the sequence's SHA-256."""
        return hashlib.sha256(self.sequence.encode()).hexdigest()[:16]

    def part(self, chosen: NDArray[np.int64]) -> Chain:
        """Return the chain of the chosen residues, (s,) rising."""
        kept = np.flatnonzero(np.isin(self.residues, chosen))
        place = np.full(len(self.alpha), -1)
        place[chosen] = np.arange(len(chosen))
        number = np.full(len(self.positions), -1)
        number[kept] = np.arange(len(kept))
        letters = "".join(self.sequence[residue] for residue in chosen)
        return Chain(
            self.positions[kept],
            self.weights[kept],
            place[self.residues[kept]],
            number[self.alpha[chosen]],
            letters,
        )


def chains_in(path: Path, least_residues: int = 1) -> Iterator[tuple[str, Chain]]:
    """Yield a file's protein chains of its first model with their identifiers; ligands, water and hydrogens are left out.

    A residue is what has N, C-alpha and C; of alternative positions the first counts.

    Raises:
        ModelFileError: a file that cannot be read.
    """
    for chain in read_structure(path)[0]:
        residues = [residue for residue in chain.first_conformer() if _is_residue(residue)]
        if len(residues) >= least_residues:
            yield chain.name, _chain(residues)


def _is_residue(residue: gemmi.Residue) -> bool:
    return {"N", "CA", "C"} <= {atom.name for atom in residue}


def _chain(residues: list[gemmi.Residue]) -> Chain:
    positions: list[list[float]] = []
    weights: list[float] = []
    owners: list[int] = []
    alpha: list[int] = []
    for index, residue in enumerate(residues):
        for atom in residue.first_conformer():
            element = _element(atom.name)
            if element is None:
                continue
            if atom.name == "CA":
                alpha.append(len(positions))
            positions.append(atom.pos.tolist())
            weights.append(_weight(element))
            owners.append(index)
    return Chain(
        np.array(positions),
        np.array(weights),
        np.array(owners),
        np.array(alpha),
        "".join(_letter(residue.name) for residue in residues),
    )


def _element(atom_name: str) -> str | None:
    """Return the element of an amino acid's atom, None for hydrogens: by name, for AutoDock's files have no elements."""
    first = atom_name.lstrip("0123456789'\"")[:1]
    return first if first in ELEMENTS else None


def _weight(element: str) -> float:
    """Return electron scattering at zero angle (International Tables C 4.3.2.2)."""
    return float(gemmi.Element(element).c4322.calculate_sf(0.0))


def _letter(residue_name: str) -> str:
    code = gemmi.find_tabulated_residue(residue_name).one_letter_code.strip().upper()
    return code if len(code) == 1 and code.isalpha() else UNKNOWN_RESIDUE
