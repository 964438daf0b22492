"""``cryosense backproject`` from the command line's side: simulated particles to maps that are those of the density."""

import json
from pathlib import Path

import pandas as pd
import pytest

from cryosense.apps import backproject, simulate

QUICK = ["box_size=32", "pixel_size_angstrom=6.0", "density.resolution_angstrom=12.0", "count=600", "snr=1.0", "seed=1"]


def run(monkeypatch: pytest.MonkeyPatch, verb: str, *words: str) -> None:
    monkeypatch.setattr("sys.argv", [f"cryosense {verb}", *words])
    {"simulate": simulate.main, "backproject": backproject.main}[verb]()


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A simulated data set, the current directory beside it."""
    monkeypatch.chdir(tmp_path)
    run(monkeypatch, "simulate", "output_dir=set", *QUICK)
    return tmp_path / "set"


def test_particles_become_the_density_they_came_from(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["data.path=set/particles.star", "output_dir=maps", "reference=set/volume.mrc", "soft_mask.lowpass_angstrom=25"]
    run(monkeypatch, "backproject", *words)
    assert "look at fsc.png" in capsys.readouterr().out
    table = pd.read_csv("maps/fsc.csv")
    assert table["to_reference"][1:9].min() > 0.9
    assert json.loads(Path("maps/done.json").read_text())["half_sets"] == [300, 300]
    before = {path.name: path.stat().st_mtime_ns for path in Path("maps").iterdir()}
    run(monkeypatch, "backproject", *words, "chunk_size=100")
    assert before == {path.name: path.stat().st_mtime_ns for path in Path("maps").iterdir()}
    assert {path.name for path in data.parent.iterdir()} == {"set", "maps"}


def test_what_masks_measured_is_enough(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    masks = ["operator=fourier", "operator/masks=uniform", "operator.per_particle=true", "compression=2.5"]
    words = [f"data.path={data}/particles.star", "output_dir=masked", f"reference={data}/volume.mrc", *masks]
    run(monkeypatch, "backproject", *words, "soft_mask=sphere", "soft_mask.radius_angstrom=60")
    assert json.loads(Path("masked/done.json").read_text())["compression_dof"] == pytest.approx(2.5, rel=0.02)
    assert pd.read_csv("masked/fsc.csv")["to_reference"][1:6].min() > 0.85


def test_refusals_are_one_line(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del data
    for words, message in (
        (["data.path=set/particles.mrcs"], "^cryosense backproject: .*no column rlnAngleRot"),
        (["data.path=set/particles.star", "symmetry=O"], "symmetry=O"),
        (["data.path=set/particles.star", "regularisation=-1"], "regularisation must not be negative"),
        ([], "data.path"),
    ):
        with pytest.raises(SystemExit, match=message):
            run(monkeypatch, "backproject", "output_dir=maps", *words)
    assert not Path("maps").exists()
