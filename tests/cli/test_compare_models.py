"""The command: two models, one model in a map, and what it refuses."""

import json
from pathlib import Path

import pandas as pd
import pytest

from cryosense.cli import main
from cryosense.tasks.maps.files import write_volume
from cryosense.tasks.maps.references import AtomicModel
from tests.biology.peptides import peptide, random_letters, write


def compare(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr("sys.argv", ["cryosense", "compare-models", *words])
    assert main.main() == 0


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    letters = random_letters(0, 20)
    write(tmp_path / "a.cif", [peptide(letters, name, shift=(15 * i, 0, 0)) for i, name in enumerate("AB")])
    write(tmp_path / "b.pdb", [peptide(letters, "C", shift=(15, 2, 0), without=[4, 5])])
    return tmp_path


def test_two_models_and_a_map(models: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    write_volume(models / "map.mrc", AtomicModel("a.cif", [8.0, 0.0, 15.0]).density(48, 1.5), 1.5)
    words = ["a.cif", "b.pdb", "map.path=map.mrc", "map.resolution_angstrom=4", "map.model_centre_angstrom=[8,0,15]"]
    words += ["output_dir=out", "soft_mask.lowpass_angstrom=8"]
    compare(monkeypatch, *words)
    assert "| B | C | 20 | 18 | 18 |" in capsys.readouterr().out
    names = {
        "chains.csv",
        "code.txt",
        "config.yaml",
        "data.txt",
        "done.json",
        "fsc_a.csv",
        "fsc_b.csv",
        "models.md",
        "models.png",
    }
    assert {path.name for path in (models / "out").iterdir()} == names | {"pairs.csv", "provenance.json", "residues.csv"}
    done = json.loads((models / "out" / "done.json").read_text())
    assert done["rmsd_angstrom"] == pytest.approx(2.0, abs=2e-3)
    assert done["in_map"]["a"]["unmasked"] == pytest.approx(3.0)
    assert done["warnings"] == []
    chains = pd.read_csv(models / "out" / "chains.csv")
    assert chains["chain_a"].tolist() == ["B", "A"]
    assert chains["correlation_a"].min() > 0.95 > chains["correlation_b"].iloc[0]
    # Again: it is done. Other models under the same directory: refused.
    before = (models / "out" / "models.png").stat().st_mtime_ns
    compare(monkeypatch, *words)
    assert (models / "out" / "models.png").stat().st_mtime_ns == before
    with pytest.raises(SystemExit, match="another configuration"):
        compare(monkeypatch, "a.cif", "a.cif", "output_dir=out")


def test_models_that_stand_apart(models: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    write(models / "far.pdb", [peptide(random_letters(0, 20), "C", shift=(0, 300, 0))])
    compare(monkeypatch, "a.cif", "far.pdb")
    assert "same_frame=false" in capsys.readouterr().err
    compare(monkeypatch, "a.cif", "far.pdb", "same_frame=false", "output_dir=other")
    assert json.loads((models / "other" / "done.json").read_text())["rmsd_angstrom"] < 0.01


def test_what_is_refused_in_one_line(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for words, message in (
        (["a.cif"], "two atomic models, or one and the map"),
        (["a.cif", "none.cif"], r"none\.cif: no such file"),
        (["a.cif", "b.pdb", "map.path=a.cif", "map.resolution_angstrom=4"], "a.cif: "),
    ):
        with pytest.raises(SystemExit, match=message):
            compare(monkeypatch, *words)
    assert not (models / "outputs").exists()
