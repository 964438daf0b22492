"""Models with known differences: distances, completeness, and which residue each row is of."""

from pathlib import Path

import gemmi
import numpy as np
import pytest

from cryosense.biology.model_files import ModelFileError
from cryosense.biology.models import ProteinModel, read_model
from cryosense.biology.pairing import Pairing
from cryosense.tasks.atomic_models.comparison import Comparison, ModelComparison
from cryosense.tasks.atomic_models.tables import chain_table, models_markdown
from tests.biology.peptides import peptide, random_letters, write

PAIRING = Pairing(minimum_identity=0.5, minimum_coverage=0.3, place_scale_angstrom=5.0)
LETTERS = random_letters(0, 50)


def compare(a: Path, b: Path, *, same_frame: bool = True) -> Comparison:
    return ModelComparison(PAIRING, same_frame, 3.0).compare(read_model(a), read_model(b))


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    return write(tmp_path / "a.cif", [peptide(LETTERS, "A"), peptide(LETTERS, "B", shift=(30, 0, 0))])


def test_a_known_shift(whole: Path, tmp_path: Path) -> None:
    """By (2, 1, 2): 3 Angstrom everywhere, nothing once superposed, each chain still at the place of its own."""
    moved = write(tmp_path / "b.pdb", [peptide(LETTERS, "X", shift=(32, 1, 2)), peptide(LETTERS, "Y", shift=(2, 1, 2))])
    found = compare(whole, moved)
    assert found.summary["sequence_pairs"] == 4
    assert found.summary["rmsd_angstrom"] == pytest.approx(3.0, abs=1e-3)
    assert found.summary["rmsd_superposed_angstrom"] == pytest.approx(0.0, abs=2e-3)
    same = found.pairs[found.pairs["same_place"]]
    assert list(zip(same["chain_a"], same["chain_b"], strict=True)) == [("A", "Y"), ("B", "X")]
    np.testing.assert_allclose(same["rmsd_angstrom"], 3.0, atol=1e-3)
    np.testing.assert_allclose(same["rmsd_superposed_angstrom"], 0.0, atol=2e-3)
    np.testing.assert_allclose(found.residues["distance_angstrom"], 3.0, atol=2e-3)
    # Both columns of B-factors are 10 + i, and 3 Angstrom everywhere up to rounding.
    assert found.residues["confidence_a"].tolist() == [10.0 + i for i in range(50)] * 2


def test_deleted_and_modified_residues(whole: Path, tmp_path: Path) -> None:
    """Eleven residues and a chain are gone, methionines are selenomethionines, one residue was moved by 6 Angstrom."""
    gone = [0, *range(20, 30)]
    chain = peptide(LETTERS, "Q", without=gone, first=101)
    for residue in chain:
        if residue.name == "MET":
            residue.name, residue.het_flag = "MSE", "H"
    moved = next(residue for residue in chain if residue.seqid.num == 101 + 40)
    for atom in moved:
        atom.pos += gemmi.Position(0, 6, 0)
    found = compare(whole, write(tmp_path / "b.cif", [chain]))
    assert found.summary["matched_residues"] == 39
    assert found.summary["completeness_a"] == pytest.approx(39 / 100)
    assert found.summary["completeness_b"] == 1
    assert found.summary["in_place_a"] == pytest.approx(38 / 100)
    assert found.summary["rmsd_angstrom"] == pytest.approx(6 / 39**0.5, abs=1e-3)
    kept = [i for i in range(50) if i not in gone]
    assert found.residues["residue_a"].tolist() == [str(i + 1) for i in kept]
    assert found.residues["residue_b"].tolist() == [str(i + 101) for i in kept]
    assert int(found.residues["distance_angstrom"].argmax()) == kept.index(40)
    table = chain_table(found, 3.0)
    assert table["chain_a"].tolist() == ["A", "B"]
    assert table["chain_b"].isna().tolist() == [False, True]
    assert table["in_place"].iloc[0] == pytest.approx(38 / 50)
    text = models_markdown(table, found.summary, ["a note"])
    assert "| A | Q | 50 | 39 | 39 | 1.000 |" in text
    assert text.endswith("a note\n")


def test_a_model_in_another_frame(whole: Path, tmp_path: Path) -> None:
    structure = gemmi.read_structure(str(whole))
    transform = gemmi.Transform()
    transform.mat.fromlist([[0, -1, 0], [1, 0, 0], [0, 0, 1]])
    transform.vec.fromlist([100, -70, 40])
    structure[0].transform_pos_and_adp(transform)
    structure.write_pdb(str(tmp_path / "b.pdb"))
    own = compare(whole, tmp_path / "b.pdb", same_frame=False)
    assert own.summary["rmsd_angstrom"] == pytest.approx(0, abs=2e-3)
    assert own.pairs.query("same_place")["chain_b"].tolist() == ["A", "B"]
    assert compare(whole, tmp_path / "b.pdb").summary["rmsd_angstrom"] > 50


def test_other_proteins_are_refused(whole: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "b.cif", [peptide(random_letters(1, 50))])
    with pytest.raises(ModelFileError, match=r"b\.cif: none of its 1 chains .* other proteins"):
        compare(whole, other)


def test_groel_against_itself(reference_data: Path) -> None:
    model: ProteinModel = read_model(reference_data / "real" / "1oel_groel_heptamer.pdb")
    found = ModelComparison(PAIRING, True, 3.0).compare(model, model)
    assert (found.summary["sequence_pairs"], found.summary["paired_chains"]) == (49, 7)
    assert found.summary["rmsd_angstrom"] == 0
    assert (found.residues["residue_a"] == found.residues["residue_b"]).all()
    assert np.isnan(found.summary["confidence_to_distance_a"])
