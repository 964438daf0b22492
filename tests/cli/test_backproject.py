"""``cryosense backproject`` from the command line's side: simulated particles to maps that are those of the density."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import starfile

from cryosense.cli import backproject, simulate
from cryosense.cli import main as command
from tests.tasks.stacks import change, write_stack

BALL = ["soft_mask=sphere", "soft_mask.radius_angstrom=20", "soft_mask.edge_pixels=2"]
QUICK = ["box_size=32", "pixel_size_angstrom=6.0", "density.resolution_angstrom=12.0", "count=600", "snr=1.0", "seed=1"]


def run(monkeypatch: pytest.MonkeyPatch, verb: str, *words: str) -> None:
    monkeypatch.setattr("sys.argv", [f"cryosense {verb}", *words])
    {"simulate": simulate.main, "backproject": backproject.main}[verb]()


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("simulated") / "set"
    with pytest.MonkeyPatch.context() as patch:
        run(patch, "simulate", f"output_dir={made}", *QUICK)
    return made


@pytest.fixture
def data(simulated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A simulated data set, the current directory beside it."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(simulated, tmp_path / "set"))


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


def test_uncompressed_particles_beside_pixel_masks(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One pixel mask set for each particle at C = 2: worth half the particles at most, as said in one line; intervals beside.

    Less than half here, at a signal-to-noise of 1: signal that the masks fold in from other coefficients is noise as well.
    """
    words = [f"data.path={data}/particles.star", "soft_mask=sphere", "soft_mask.radius_angstrom=60"]
    run(monkeypatch, "backproject", *words, "output_dir=full")
    masks = ["operator=pixel", "operator.per_particle=true", "compression=2"]
    run(monkeypatch, "backproject", *words, *masks, "output_dir=masked", "cross_reference=full", "bootstrap=20")
    assert "600 particles are worth" in capsys.readouterr().out
    summary = json.loads(Path("masked/done.json").read_text())
    assert summary["compression_dof"] == pytest.approx(2, rel=0.02)
    assert 60 < summary["equivalent_particles"]["cross"] < 330
    resolutions = pd.read_csv("masked/resolution.csv").set_index(["curve", "threshold"])
    assert {"cross_half1", "cross_half2", "uncompressed"} <= set(resolutions.index.get_level_values(0))
    line = resolutions.loc[("unmasked", 0.5)]
    assert line["interval_low_angstrom"] <= line["resolution_angstrom"] <= line["interval_high_angstrom"]
    other = change(data / "particles.star", {"rlnRandomSubset": [1 + i // 300 for i in range(600)]})
    with pytest.raises(SystemExit, match="made from other half sets"):
        run(monkeypatch, "backproject", f"data.path={other}", "output_dir=other", "cross_reference=full")
    assert not Path("other").exists()


def test_particles_in_one_view_are_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one_view = change(write_stack(tmp_path), {"rlnAngleRot": 0.0, "rlnAngleTilt": 2.0})
    monkeypatch.chdir(tmp_path)
    run(monkeypatch, "backproject", f"data.path={one_view}", "output_dir=maps", *BALL)
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert "cryosense backproject: warning: no particle shows" in said
    assert "look at anisotropy.png" in said
    assert Path("maps/anisotropy.png").is_file()


@pytest.mark.parametrize(
    ("particles", "drop", "optics", "message"),
    [
        ({}, ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"), {}, "no column rlnAngleRot, rlnAngleTilt, rlnAnglePsi: .*poses"),
        ({}, ("rlnDefocusU", "rlnDefocusV"), {}, "no column rlnDefocusU, rlnDefocusV: .*ctf_correction=false"),
        ({}, (), {"rlnImageSize": 64}, "rlnImageSize 64, but the images have 16 px"),
        ({}, (), {"rlnImagePixelSize": [4.0, 5.0]}, "particles of different pixel size"),
        ({}, (), {"rlnImagePixelSize": 5.0}, r"pixel size 5 Angstrom, but .*particles\.mrcs says 4 in its header"),
        ({"rlnRandomSubset": 2}, (), {}, "no particle is in half set 1"),
    ],
)
def test_particles_that_cannot_be_used(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    particles: dict[str, object],
    drop: tuple[str, ...],
    optics: dict[str, object],
    message: str,
) -> None:
    """By the whole command line: one line that names the columns or the sizes, nothing written."""
    star = change(write_stack(tmp_path), particles, drop)
    blocks = starfile.read(star, always_dict=True)
    blocks["optics"] = blocks["optics"].assign(**optics)
    starfile.write(blocks, star, overwrite=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["cryosense", "backproject", f"data.path={star}", "output_dir=maps", *BALL])
    with pytest.raises(SystemExit, match=f"^cryosense backproject: .*{message}"):
        command.main()
    assert not Path("maps").exists()


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
