"""Which residue is which, where something is missing, repeated, modified or changed."""

from pathlib import Path

import gemmi
import pytest

from cryosense.biology.alignment import Alignment, align
from cryosense.biology.models import Chain, read_model
from tests.biology.peptides import peptide, random_letters, write


def read(path: Path, chain: gemmi.Chain) -> Chain:
    return read_model(write(path, [chain])).chains[0]


def matched_places(a: Chain, b: Chain, found: Alignment) -> list[tuple[str, str]]:
    return [(a.numbers[i], b.numbers[j]) for i, j in zip(found.rows_a, found.rows_b, strict=True)]


@pytest.mark.parametrize("seed", range(4))
def test_residues_that_are_missing_in_both_chains(tmp_path: Path, seed: int) -> None:
    """Numbers are those of the whole protein here, so that matches must have equal ones."""
    letters = random_letters(seed, 120)
    a = read(tmp_path / "a.cif", peptide(letters, without=[*range(10, 15), *range(80, 84), 118, 119]))
    b = read(tmp_path / "b.cif", peptide(letters, without=[0, 1, *range(40, 70), 100]))
    for one, other in ((a, b), (b, a)):
        found = align(one, other)
        pairs = matched_places(one, other, found)
        assert all(i == j for i, j in pairs)
        assert len(pairs) == 120 - 11 - 33
        assert found.identity > 0.95
        assert found.coverage_a == len(pairs) / len(one)
        assert found.coverage_b == len(pairs) / len(other)


@pytest.mark.parametrize("gone", range(5, 9))
def test_a_gap_in_a_repeat_lies_where_the_chain_is_broken(tmp_path: Path, gone: int) -> None:
    letters = "MKVLGAAAAWTRE"
    whole = read(tmp_path / "a.cif", peptide(letters))
    broken = read(tmp_path / "b.cif", peptide(letters, without=[gone]))
    for one, other in ((whole, broken), (broken, whole)):
        pairs = matched_places(one, other, align(one, other))
        assert all(i == j for i, j in pairs)
        assert len(pairs) == 12


def test_numbers_and_names_do_not_matter_and_parents_stand_for_modified_residues(tmp_path: Path) -> None:
    letters = "MKVLMGTAWMRE"
    a = read(tmp_path / "a.pdb", peptide(letters))
    chain = peptide(letters, "Q", first=501)
    for i in (0, 4, 9):
        chain[i].name, chain[i].het_flag = "MSE", "H"
    b = read(tmp_path / "b.pdb", chain)
    found = align(a, b)
    assert found.rows_a == found.rows_b == tuple(range(12))
    assert found.identity == 1


def test_a_substitution_is_matched_but_not_identical(tmp_path: Path) -> None:
    a = read(tmp_path / "a.cif", peptide("MKVLGTAWRE"))
    b = read(tmp_path / "b.cif", peptide("MKVLDTAWRE"))
    found = align(a, b)
    assert len(found) == 10
    assert found.identity == pytest.approx(0.9)


def test_what_was_built_of_a_loop_on_both_sides_is_not_matched_to_each_other(tmp_path: Path) -> None:
    """One chain has the loop's first residues, the other its last: as many, but not the same."""
    letters = "MKVLGTAWRE" + "DPNSQY" + "HIKLFCTVEG"
    a = read(tmp_path / "a.cif", peptide(letters, without=[13, 14, 15]))
    b = read(tmp_path / "b.cif", peptide(letters, without=[10, 11, 12]))
    pairs = matched_places(a, b, align(a, b))
    assert len([1 for i, j in pairs if i == j]) == 20
    assert len([1 for i, j in pairs if i != j]) <= 3


def test_unrelated_chains_are_not_alike(tmp_path: Path) -> None:
    chains = [read(tmp_path / f"{seed}.cif", peptide(random_letters(seed, 60))) for seed in range(12)]
    identities = [align(one, other).identity for one in chains for other in chains if one is not other]
    assert max(identities) < 0.45
