"""Protein chains of atomic models: what is really there, residue by residue."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import gemmi
import torch
from torch import Tensor

from cryosense.biology.model_files import ModelFileError, read_structure

BACKBONE = ("N", "CA", "C", "O")
ALPHA_CARBON = BACKBONE.index("CA")
# Neighbours in sequence have alpha carbons 3.8 Angstrom apart (2.9 at a cis bond), next neighbours at least 5.
LONGEST_STEP_ANGSTROM = 4.5


@dataclass(frozen=True)
class Chain:
    """The r residues of one protein chain that have an alpha carbon, in the order of the file.

    Attributes:
        name: as the authors of the model call it.
        letters: r one-letter codes; for a modified residue that of its parent (M for selenomethionine), X where unknown.
        numbers: r residue numbers with their insertion codes.
        backbone: (r, 4, 3) float64 in Angstrom, N, CA, C and O, NaN where absent.
        confidence: (r,) float64, mean B-factor of the backbone; predictions store their confidence there.
    """

    name: str
    letters: str
    numbers: tuple[str, ...]
    backbone: Tensor
    confidence: Tensor

    def __len__(self) -> int:
        return len(self.letters)

    def breaks(self) -> list[bool]:
        """Return whether residues are missing before each one and behind the last, r + 1 values; always true at the ends."""
        alpha = self.backbone[:, ALPHA_CARBON]
        steps = (alpha[1:] - alpha[:-1]).norm(dim=-1)
        return [True, *(steps > LONGEST_STEP_ANGSTROM).tolist(), True]


@dataclass(frozen=True)
class ProteinModel:
    """The protein chains of a file's first model, and the names of its other polymers, which are not compared."""

    path: Path
    chains: tuple[Chain, ...]
    other_polymers: tuple[str, ...]

    @property
    def residues(self) -> int:
        """Number of residues in all chains."""
        return sum(len(chain) for chain in self.chains)


def read_model(path: str | Path) -> ProteinModel:
    """Read PDB or mmCIF. Of alternate conformers of a residue, the one with the highest occupancy is used, else the first.

    Raises:
        ModelFileError: as ``read_structure`` does, or no protein chain in the file.
    """
    chains, others = [], []
    for part in read_structure(path)[0]:
        residues = [atoms for atoms in map(_conformer, _places(part.get_polymer())) if "CA" in atoms[1]]
        if residues:
            chains.append(_chain(part.name, residues))
        elif len(part.get_polymer()):
            others.append(part.name)
    if not chains:
        raise ModelFileError(f"{path}: the file holds no protein chain (no residue of a polymer has an atom CA)")
    return ProteinModel(Path(path), tuple(chains), tuple(others))


Residue = tuple[gemmi.Residue, dict[str, gemmi.Atom]]


def _places(polymer: gemmi.ResidueSpan) -> list[list[gemmi.Residue]]:
    """Group residues by place: several share one where the sequence itself has alternatives."""
    return [list(group) for _, group in groupby(polymer, key=lambda residue: str(residue.seqid))]


def _conformer(place: list[gemmi.Residue]) -> Residue:
    """Return the residue, and its backbone atoms by name, of the conformer with the highest occupancy at a place."""
    best: tuple[float, Residue] | None = None
    for residue in place:
        for label in sorted({atom.altloc for atom in residue}):
            atoms = {atom.name: atom for atom in residue if atom.altloc in ("\0", label) and atom.name in BACKBONE}
            occupied = sum(atom.occ for atom in atoms.values())
            if best is None or occupied > best[0]:
                best = occupied, (residue, atoms)
    return best[1] if best is not None else (place[0], {})


def _chain(name: str, residues: list[Residue]) -> Chain:
    nowhere = [float("nan")] * 3
    positions = [[atoms[atom].pos.tolist() if atom in atoms else nowhere for atom in BACKBONE] for _, atoms in residues]
    columns = [[atom.b_iso for atom in atoms.values()] for _, atoms in residues]
    return Chain(
        name,
        "".join(_letter(residue.name) for residue, _ in residues),
        tuple(str(residue.seqid) for residue, _ in residues),
        torch.tensor(positions, dtype=torch.float64),
        torch.tensor([sum(column) / len(column) for column in columns], dtype=torch.float64),
    )


def _letter(name: str) -> str:
    letter = gemmi.find_tabulated_residue(name).one_letter_code.strip().upper()
    return letter or "X"
