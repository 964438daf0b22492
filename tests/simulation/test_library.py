"""Many molecules: the list and its split, chains from files, assemblies, parts, what is drawn."""

from collections.abc import Iterator
from itertools import combinations, product
from pathlib import Path

import gemmi
import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from cryosense.errors import ArgumentError, MissingExtraError, ModelFileError
from cryosense.simulation.library import making, molecules, packages
from cryosense.simulation.library.assembly import CLASH_ANGSTROM, STEP_ANGSTROM, assembled, cropped
from cryosense.simulation.library.chains import Chain, chains_in
from cryosense.simulation.library.density import MoleculeLibrary
from cryosense.simulation.library.folds import ALIKE_PERCENT, FAMILIES, folds, identity_percent, splits
from cryosense.simulation.library.listing import SPLITS, Listed, listed, parsed, written
from cryosense.simulation.library.molecules import SYMMETRIES, made, made_up
from cryosense.volumes.symmetry import point_group

SEQUENCE = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQVKVKALPDAQFEVV"


@pytest.fixture(scope="module")
def chain() -> Chain:
    return made_up(0)


def write_chain(path: Path, sequence: str) -> None:
    """A helix with the backbone's atoms, a hydrogen and a water."""
    angle = np.deg2rad(100.0) * np.arange(len(sequence))
    structure, model, one = gemmi.Structure(), gemmi.Model(1), gemmi.Chain("A")
    for number, letter in enumerate(sequence):
        residue = gemmi.Residue()
        residue.name = gemmi.expand_one_letter(letter, gemmi.ResidueKind.AA)
        residue.seqid = gemmi.SeqId(number + 1, " ")
        for place, name in enumerate(("N", "CA", "C", "O", "H")):
            atom = gemmi.Atom()
            atom.name, atom.element = name, gemmi.Element(name[0])
            turned = angle[number] + 0.4 * place
            atom.pos = gemmi.Position(2.3 * np.cos(turned), 2.3 * np.sin(turned), 1.5 * number + 0.4 * place)
            residue.add_atom(atom)
        one.add_residue(residue)
    water = gemmi.Residue()
    water.name, water.seqid = "HOH", gemmi.SeqId(len(sequence) + 1, " ")
    water.add_atom(gemmi.Atom())
    one.add_residue(water)
    model.add_chain(one)
    structure.add_model(model)
    path.write_text(structure.make_pdb_string())


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listed]:
    """A package that would raise if it were imported, with one structure in it."""
    folder = tmp_path / "madeup_structures"
    (folder / "data").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('imported')\n")
    write_chain(folder / "data" / "helix.pdb", SEQUENCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(making, "PACKAGES", ("madeup_structures",))
    packages.chain_of.cache_clear()
    yield making.molecules()[0]
    packages.chain_of.cache_clear()


def test_a_fold_is_in_one_split_and_each_split_has_some() -> None:
    rows = listed()
    of_fold: dict[str, set[str]] = {}
    for row in rows:
        of_fold.setdefault(row.fold, set()).add(row.split)
    assert all(len(found) == 1 for found in of_fold.values())
    assert len({row.name for row in rows}) == len({row.sequence_hash for row in rows}) == len(rows)
    counts = {split: len(listed(split)) for split in SPLITS}
    assert sum(counts.values()) == len(rows)
    assert min(counts.values()) >= 10
    assert {row.fold for row in rows} <= {row.name for row in rows}
    fold_of = {row.name: row.fold for row in rows}
    assert [len({fold_of[name] for name in family.split()}) for family in FAMILIES] == [1] * len(FAMILIES)
    assert parsed(written(rows)) == rows


@pytest.mark.slow
def test_the_list_is_what_the_packages_hold_and_its_splits_are_not_alike() -> None:
    try:
        found = making.molecules()
    except MissingExtraError as error:
        pytest.skip(str(error))
    assert found == listed()
    sequences = {split: [packages.chain_of(row).sequence for row in listed(split)] for split in SPLITS}
    for one, other in combinations(SPLITS, 2):
        pairs = product(sequences[one], sequences[other])
        assert max(identity_percent(a, b) for a, b in pairs) < ALIKE_PERCENT


def test_identity_is_of_the_mean_length() -> None:
    assert identity_percent(SEQUENCE, SEQUENCE) == 100
    assert identity_percent(SEQUENCE, SEQUENCE[:35]) == pytest.approx(200 * 35 / (70 + 35))
    assert identity_percent("A" * 40, "W" * 40) == 0


def test_folds_are_linked_by_what_is_between_and_split_whole() -> None:
    names = ["a", "b", "c", "d", "F2", "F10"]
    alike = {frozenset("ac"), frozenset("cd")}
    found = folds(names, names, alike=lambda one, other: 100.0 * (frozenset((one, other)) in alike))
    assert found == ["a", "b", "a", "a", "F2", "F2"]
    many = [f"f{number % 30}" for number in range(100)]
    chosen = splits(many)
    assert len(set(zip(many, chosen, strict=True))) == 30
    assert [chosen.count(split) for split in SPLITS] == pytest.approx([70, 10, 20], abs=3)


def test_chains_come_from_packages_that_are_not_imported(package: Listed) -> None:
    assert (package.name, package.file, package.residues) == ("helixA", "data/helix.pdb", len(SEQUENCE))
    chain = packages.chain_of(package)
    assert chain.sequence == SEQUENCE
    assert len(chain.positions) == 4 * len(SEQUENCE)  # neither hydrogens nor water
    np.testing.assert_allclose(np.linalg.norm(np.diff(chain.positions[chain.alpha], axis=0), axis=1), 3.8, atol=0.1)
    changed = Listed(**{**vars(package), "sequence_hash": "0" * 16})
    with pytest.raises(
        ModelFileError, match=r"helix\.pdb: chain 'A' is not the one listed as helixA: install another version"
    ):
        packages.chain_of(changed)
    (packages.folder_of(package.package) / package.file).unlink()
    packages.chain_of.cache_clear()
    with pytest.raises(ModelFileError, match=r"helix\.pdb: is not there.*pip install.*or leave helixA out"):
        packages.chain_of(package)


def test_autodock_files_are_read_as_pdb(tmp_path: Path) -> None:
    write_chain(tmp_path / "a.pdb", SEQUENCE)
    lines = [line for line in (tmp_path / "a.pdb").read_text().splitlines() if line.startswith("ATOM")]
    charges = [
        f"{line[:66]}    {0.001 * number:6.3f} {'OA' if line[13] == 'O' else line[13]}" for number, line in enumerate(lines)
    ]
    (tmp_path / "a.pdbqt").write_text("\n".join(charges))
    (_, plain), (_, docked) = *chains_in(tmp_path / "a.pdb"), *chains_in(tmp_path / "a.pdbqt")
    assert docked.sequence == plain.sequence
    np.testing.assert_array_equal(docked.positions, plain.positions)
    np.testing.assert_array_equal(docked.weights, plain.weights)


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda name: None)
    packages.chain_of.cache_clear()
    with pytest.raises(MissingExtraError, match=r"pip install 'cryosense\[structures\]'"):
        MoleculeLibrary()
    assert MoleculeLibrary(made_up_share=1.0, molecules=1, forms=["chain"]).state_count == 1


@pytest.mark.parametrize("symmetry", SYMMETRIES)
def test_molecules_are_symmetric_about_the_origin(symmetry: str, chain: Chain) -> None:
    """So that ``symmetry=`` is true of particles of them."""
    atoms, name = made(chain, symmetry, np.random.default_rng(3))
    positions = atoms.positions_angstrom.double().numpy()
    assert name == symmetry
    for rotation in point_group(symmetry).numpy():
        apart, _ = cKDTree(positions).query(positions @ rotation.T)
        assert apart.max() < 1e-2
    assert abs(positions[:, 2].min() + positions[:, 2].max()) < 1e-3


@pytest.mark.parametrize("symmetry", SYMMETRIES)
def test_assemblies_are_symmetric_and_touch_without_clashes(symmetry: str, chain: Chain) -> None:
    positions, weights = assembled(chain, symmetry, np.random.default_rng(3))
    group = point_group(symmetry).numpy()
    assert len(positions) == len(weights) == len(group) * len(chain.positions)
    copies = positions.reshape(len(group), -1, 3)
    generators = group[[1, -1]]
    for rotation in generators:
        turned = np.sort((copies[:, chain.alpha] @ rotation.T).reshape(-1, 3).round(4), axis=0)
        np.testing.assert_allclose(turned, np.sort(copies[:, chain.alpha].reshape(-1, 3).round(4), axis=0), atol=1e-3)
    nearest = min(cdist(copies[0][chain.alpha], other[chain.alpha]).min() for other in copies[1:])
    assert CLASH_ANGSTROM <= nearest < CLASH_ANGSTROM + 2 * STEP_ANGSTROM + 1


def test_parts_are_compact_pieces(chain: Chain) -> None:
    for seed in range(5):
        part = cropped(chain, np.random.default_rng(seed))
        size = len(part.alpha)
        assert 60 <= size <= 0.7 * len(chain.alpha)
        assert len(part.sequence) == size
        centre_distances = np.sort(cdist(part.positions[part.alpha], chain.positions[chain.alpha]), axis=1)[:, :size].max(1)
        reach = cdist(part.positions[part.alpha], part.positions[part.alpha]).max(1)
        assert (reach <= centre_distances * (1 + 1e-9)).any()  # about one of its residues it is all there is
        assert set(map(tuple, part.positions)) <= set(map(tuple, chain.positions))


def test_a_molecule_depends_on_its_number_alone() -> None:
    few, many = (MoleculeLibrary(made_up_share=1.0, molecules=count, seed=5) for count in (2, 4))
    backwards = [many.molecule(number) for number in (3, 2, 1, 0)][::-1]
    for number in range(2):
        left, right = few.molecule(number), backwards[number]
        assert (left.name, left.form) == (right.name, right.form)
        assert np.array_equal(left.atoms.positions_angstrom, right.atoms.positions_angstrom)
    assert few.states()["molecule"].tolist() == many.states()["molecule"].tolist()[:2]
    assert many.states()["diameter_angstrom"].max() <= 200
    training, test = (
        MoleculeLibrary(split, made_up_share=1.0, molecules=2).states()["molecule"] for split in ("training", "test")
    )
    assert not set(training) & set(test)


def test_impossible_keys_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(molecules, "MOST_TRIALS", 2)
    for key, value in (
        ("molecules", 0),
        ("forms", ["ring"]),
        ("made_up_share", 1.5),
        ("split", "all"),
        ("largest_angstrom", 5.0),
    ):
        with pytest.raises(ArgumentError, match=f"^{key}"):
            MoleculeLibrary(**{"made_up_share": 1.0, key: value})
    with pytest.raises(ArgumentError, match="no molecule P53; there are ABL1"):
        MoleculeLibrary(names=["P53"])
