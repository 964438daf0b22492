"""What is read of a chain: modified residues, conformers, insertion codes, and what is not protein."""

import gzip
from pathlib import Path

import gemmi
import numpy as np
import pytest
import torch

from cryosense.biology.model_files import ModelFileError, read_structure
from cryosense.biology.models import read_model
from tests.biology.peptides import alpha_carbon, backbone, peptide, write


def altered(chain: gemmi.Chain) -> gemmi.Chain:
    """Selenomethionine for residue 2, an unknown one for 3; conformers of residue 4 with the second occupied more."""
    chain[2].name, chain[2].het_flag = "MSE", "H"
    chain[3].name, chain[3].het_flag = "ZZZ", "H"
    for label, occupancy, shift in (("A", 0.4, (9, 0, 0)), ("B", 0.6, (0, 0, 0))):
        for atom in backbone(4, shift):
            atom.altloc, atom.occ = label, occupancy
            chain[4].add_atom(atom)
    for name in ("N", "CA", "C", "O"):
        chain[4].remove_atom(name, "\0")
    chain[6].seqid = gemmi.SeqId(6, "A")
    return chain


@pytest.mark.parametrize("suffix", [".pdb", ".cif"])
def test_what_is_really_there(tmp_path: Path, suffix: str) -> None:
    chain = altered(peptide("MKMVLAAGT", without=[8]))
    chain[7].remove_atom("O", "\0")
    chain[5].remove_atom("CA", "\0")
    water = gemmi.Chain("W")
    for number in (1, 2):
        residue = gemmi.Residue()
        residue.name, residue.seqid = "HOH", gemmi.SeqId(number, " ")
        residue.add_atom(backbone(number)[3])
        water.add_residue(residue)
    model = read_model(write(tmp_path / f"a{suffix}", [chain, peptide("GG", "B", shift=(50, 0, 0)), water]))
    first, second = model.chains
    assert (first.name, first.letters, second.letters) == ("A", "MKMXLAG", "GG")
    assert first.numbers == ("1", "2", "3", "4", "5", "6A", "8")
    assert model.residues == 9
    kept = [0, 1, 2, 3, 4, 6, 7]
    expected = torch.from_numpy(np.array([alpha_carbon(i) for i in kept]))
    torch.testing.assert_close(first.backbone[:, 1], expected, atol=6e-4, rtol=0)
    assert first.backbone.isnan().any(-1).nonzero().tolist() == [[6, 3]]
    torch.testing.assert_close(first.confidence, torch.tensor([10.0 + i for i in kept], dtype=torch.float64))
    assert first.breaks() == [True, False, False, False, False, True, False, True]


def test_a_compressed_file_is_the_same(tmp_path: Path) -> None:
    plain = write(tmp_path / "a.cif", [peptide("MKV")])
    (tmp_path / "b.cif.gz").write_bytes(gzip.compress(plain.read_bytes()))
    assert read_model(tmp_path / "b.cif.gz").chains[0].letters == "MKV"


def test_a_compressed_bomb_is_refused(tmp_path: Path) -> None:
    """Forty megabytes of short words, which would take a gigabyte, in forty kilobytes."""
    text = b"data_x\nloop_\n_atom_site.id\n_atom_site.type_symbol\n" + b"1 C\n" * 10**7
    (tmp_path / "bomb.cif.gz").write_bytes(gzip.compress(text, compresslevel=1))
    with pytest.raises(ModelFileError, match=r"bomb\.cif\.gz: more than"):
        read_structure(tmp_path / "bomb.cif.gz")


def test_other_files_are_refused_by_name(tmp_path: Path) -> None:
    line = "ATOM      1  CA  GLY A   1    {:>8}   0.000   0.000  1.00  0.00           C\nEND\n"
    cases = {
        "empty.pdb": ("END\n", "no atoms"),
        "text.cif": ("hello world", "cannot be read"),
        "truncated.pdb.gz": (gzip.compress(b"END\n" * 99)[:-9], "cannot be decompressed"),
        "nowhere.pdb": (line.format("nan"), "which cannot be"),
        "far.pdb": (line.format("1e30"), "which cannot be"),
        "model.txt": ("", "are read from"),
        "water.pdb": (line.format("0.000").replace("GLY", "HOH").replace("CA ", "O  "), "no protein chain"),
    }
    for name, (content, message) in cases.items():
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        with pytest.raises(ModelFileError, match=rf"{name}: .*{message}"):
            read_model(tmp_path / name)
    with pytest.raises(ModelFileError, match=r"absent\.cif: there is no such file"):
        read_model(tmp_path / "absent.cif")


def test_names_in_an_old_encoding_do_not_matter(tmp_path: Path) -> None:
    path = write(tmp_path / "a.pdb", [peptide("MKV")])
    path.write_bytes(b"REMARK   1  AUTH   M.M\xfcLLER\n" + path.read_bytes().replace(b" LYS A", b" L\xfcS A"))
    assert read_model(path).chains[0].letters == "MXV"
