"""Chains are paired by sequence and by place, whatever they are called."""

from pathlib import Path

import gemmi
import numpy as np
import pytest
import torch

from cryosense.biology.models import ALPHA_CARBON, ProteinModel, read_model
from cryosense.biology.pairing import MatchedAtoms, Pairing
from cryosense.biology.rmsd import Superposition, rmsd, superpose
from tests.biology.peptides import peptide, random_letters, write

PAIRING = Pairing(minimum_identity=0.5, minimum_coverage=0.3, place_scale_angstrom=5.0)


def paired(a: ProteinModel, b: ProteinModel, motion: Superposition | None = None) -> tuple[int, dict[str, str]]:
    """-> number of pairs by sequence; name of a -> name of b, by place."""
    pairs = PAIRING.by_sequence(a, b)
    atoms = MatchedAtoms.of(pairs, a, b)
    carbons = atoms.only(atoms.kind == ALPHA_CARBON)
    moved = carbons.b if motion is None else motion(carbons.b, torch.zeros_like(carbons.pair))
    scores = PAIRING.place_scores(moved, carbons.a, carbons.pair, len(pairs))
    chosen = [pairs[k] for k in PAIRING.by_place(scores, pairs)]
    return len(pairs), {a.chains[pair.a].name: b.chains[pair.b].name for pair in chosen}


def complex_of_four(path: Path, names: str) -> ProteinModel:
    """Three copies of one chain side by side, and another protein; ``names`` in this order."""
    copy, other = random_letters(0, 40), random_letters(1, 60)
    chains = [peptide(copy, names[i], shift=(30.0 * i, 0, 0)) for i in range(3)]
    return read_model(write(path, [*chains, peptide(other, names[3], shift=(0, 40, 0))]))


def test_renamed_chains_in_another_order(tmp_path: Path) -> None:
    a = complex_of_four(tmp_path / "a.cif", "ABCD")
    b = complex_of_four(tmp_path / "b.pdb", "ZYXA")
    shuffled = ProteinModel(b.path, tuple(b.chains[i] for i in (2, 3, 0, 1)), ())
    assert paired(a, shuffled) == (10, {"A": "Z", "B": "Y", "C": "X", "D": "A"})


def test_a_chain_without_partner_stays_alone(tmp_path: Path) -> None:
    a = complex_of_four(tmp_path / "a.cif", "ABCD")
    assert paired(a, ProteinModel(a.path, a.chains[1:2], ())) == (3, {"B": "B"})
    assert paired(ProteinModel(a.path, a.chains[3:], ()), ProteinModel(a.path, a.chains[:2], ())) == (0, {})


@pytest.fixture(scope="module")
def groel(reference_data: Path) -> ProteinModel:
    return read_model(reference_data / "real" / "1oel_groel_heptamer.pdb")


def test_groel_against_itself(groel: ProteinModel) -> None:
    """Seven chains of one sequence: 49 pairs, all alike, and only the seven own ones at their place."""
    pairs = PAIRING.by_sequence(groel, groel)
    assert len(pairs) == 49
    assert all(pair.alignment.rows_a == pair.alignment.rows_b == tuple(range(524)) for pair in pairs)
    assert paired(groel, groel) == (49, {name: name for name in "ABCDEFG"})
    atoms = MatchedAtoms.of(pairs, groel, groel)
    as_is = rmsd(atoms.b, atoms.a, atoms.pair, 49).reshape(7, 7)
    superposed = rmsd(superpose(atoms.b, atoms.a, atoms.pair, 49)(atoms.b, atoms.pair), atoms.a, atoms.pair, 49).reshape(7, 7)
    assert float(as_is.diag().max()) == 0
    assert float((as_is + 100 * torch.eye(7)).min()) > 40
    assert float(superposed.max()) < 1  # refined with restraints between the seven, not as copies


def test_groel_turned_by_one_place_and_moved_away(groel: ProteinModel, tmp_path: Path) -> None:
    """Chain A lies on B after the turn: by place they are paired so; in a frame of its own, each finds itself."""
    pairs = PAIRING.by_sequence(groel, groel)
    atoms = MatchedAtoms.of(pairs, groel, groel)
    onto_next = superpose(atoms.b, atoms.a, atoms.pair, 49)  # pair 7 lays chain A on chain B
    turned = moved_file(groel.path, tmp_path / "turned.pdb", onto_next.rotations[7], onto_next.translations[7])
    assert paired(groel, turned)[1] == dict(zip("ABCDEFG", "GABCDEF", strict=True))
    away = moved_file(groel.path, tmp_path / "away.pdb", onto_next.rotations[3], torch.tensor([200.0, 50.0, -80.0]))
    motion = PAIRING.into_frame(PAIRING.by_sequence(groel, away), groel, away)
    assert paired(groel, away, motion)[1] == {name: name for name in "ABCDEFG"}


def moved_file(source: Path, path: Path, rotation: torch.Tensor, translation: torch.Tensor) -> ProteinModel:
    structure = gemmi.read_structure(str(source))
    transform = gemmi.Transform()
    transform.mat.fromlist(rotation.tolist())
    transform.vec.fromlist(np.asarray(translation).tolist())
    structure[0].transform_pos_and_adp(transform)
    structure.write_pdb(str(path))
    return read_model(path)


def test_settings_that_mean_nothing_are_refused() -> None:
    for changed in ({"minimum_identity": 0.0}, {"minimum_coverage": 1.5}, {"place_scale_angstrom": -1.0}):
        with pytest.raises(ValueError, match=r"minimum_identity|place_scale"):
            Pairing(**{"minimum_identity": 0.5, "minimum_coverage": 0.5, "place_scale_angstrom": 5.0, **changed})
