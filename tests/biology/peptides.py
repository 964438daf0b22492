"""Small proteins with known answers, written as PDB or mmCIF by gemmi."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import gemmi
import numpy as np

# A step of 3.8 Angstrom along a coil of alpha carbons, the other backbone atoms beside them.
OFFSETS = {"N": (-1.2, 0.6, 0.3), "CA": (0.0, 0.0, 0.0), "C": (1.1, 0.8, -0.4), "O": (1.3, 1.9, 0.2)}
THREE = {letter: gemmi.expand_one_letter(letter, gemmi.ResidueKind.AA) for letter in "ARNDCQEGHILKMFPSTWYV"}


def random_letters(seed: int, length: int) -> str:
    """A sequence without order."""
    return "".join(np.random.default_rng(seed).choice(list(THREE), length))


def alpha_carbon(i: int) -> np.ndarray:
    """Place of residue i on the coil."""
    turn = 1.745 * i
    return np.array([2.3 * np.cos(turn), 2.3 * np.sin(turn), 1.5 * i])


def peptide(
    letters: str, name: str = "A", *, without: Sequence[int] = (), shift: Sequence[float] = (0, 0, 0), first: int = 1
) -> gemmi.Chain:
    """A chain whose residue i, counted from 0, lies at :func:`alpha_carbon`; some may be left out."""
    chain = gemmi.Chain(name)
    for i, letter in enumerate(letters):
        if i not in without:
            residue = gemmi.Residue()
            residue.name, residue.seqid = THREE[letter], gemmi.SeqId(first + i, " ")
            for atom in backbone(i, shift):
                residue.add_atom(atom)
            chain.add_residue(residue)
    return chain


def backbone(i: int, shift: Sequence[float] = (0, 0, 0)) -> list[gemmi.Atom]:
    """N, CA, C and O of residue i, B-factor 10 + i."""
    atoms = []
    for name, offset in OFFSETS.items():
        atom = gemmi.Atom()
        atom.name, atom.element, atom.b_iso = name, gemmi.Element(name[0]), 10.0 + i
        atom.pos = gemmi.Position(*(alpha_carbon(i) + offset + np.asarray(shift)))
        atoms.append(atom)
    return atoms


def write(path: Path, chains: Sequence[gemmi.Chain]) -> Path:
    """Write the chains as one model, in the format that the suffix names."""
    structure = gemmi.Structure()
    structure.add_model(gemmi.Model(1))
    for chain in chains:
        structure[0].add_chain(chain)
    structure.setup_entities()
    if path.suffix == ".pdb":
        structure.write_pdb(str(path))
    else:
        structure.make_mmcif_document().write_file(str(path))
    return path
