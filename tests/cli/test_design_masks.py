"""The whole way on the command line: a pilot, masks designed from it, particles measured through them."""

import json
import math
from pathlib import Path

import pandas as pd
import pytest
import starfile

from cryosense.runs.provenance import sessions
from tests.cli.verbs import cryosense

SET = ["box_size=32", "pixel_size_angstrom=6.0", "density.resolution_angstrom=12.0", "count=800", "snr=0.03", "seed=1"]
MASKS = ["operator=fourier", "operator/masks=designed", "operator.per_particle=true", "compression=3"]


@pytest.fixture
def pilot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Maps of every fifth pair of particles of a simulated set, the current directory beside it."""
    monkeypatch.chdir(tmp_path)
    cryosense(monkeypatch, "simulate", "output_dir=set", *SET)
    blocks = starfile.read("set/particles.star", always_dict=True)
    few = blocks["particles"][[i % 10 < 2 for i in range(800)]]
    starfile.write(blocks | {"particles": few}, "set/pilot.star")
    maps = ["soft_mask.lowpass_angstrom=30", "regularisation=1"]
    cryosense(monkeypatch, "backproject", "data.path=set/pilot.star", "output_dir=pilot", *maps)
    return tmp_path / "pilot"


def test_designed_masks_are_taken_by_both_verbs(
    pilot: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["design", "kind=masks", f"pilot.path={pilot}", "ctf=set/particles.star", "compression=3", "poses=known"]
    cryosense(monkeypatch, *words)
    printed = capsys.readouterr().out
    assert f"cryosense backproject --config-dir outputs/design {' '.join(MASKS)} data.path=" in printed
    assert Path("outputs/design/design.png").stat().st_size > 10_000
    run = ["data.path=set/particles.star", "output_dir=maps", "soft_mask=sphere", "soft_mask.radius_angstrom=60"]
    cryosense(monkeypatch, "backproject", "--config-dir", "outputs/design", *MASKS, *run)
    assert json.loads(Path("maps/done.json").read_text())["compression_dof"] == pytest.approx(3, rel=0.01)
    cryosense(monkeypatch, *words, "obtained=maps")
    assert Path("outputs/design/obtained.png").is_file()
    assert len(sessions(Path("outputs/design"))) == 1
    profile, obtained = pd.read_csv("outputs/design/profile.csv"), pd.read_csv("maps/fsc.csv")
    last = json.loads(Path("outputs/design/design.json").read_text())["last_shell"]
    # A shell of radius 4 holds 200 numbers: chance moves its FSC by 0.07.
    assert float((profile["expected"] - obtained["unmasked"])[4 : last + 1].abs().max()) < 0.25
    quick = ["reconstructor=pinv", "scores.lpips=null", "draw_example=false", "output_dir=runs"]
    cryosense(monkeypatch, "reconstruct", "--config-dir", "outputs/design", *MASKS, "data.path=set/particles.star", *quick)
    (rows,) = Path("runs").glob("fourier-variable_density-C3-pinv-*/rows.parquet")
    assert pd.read_parquet(rows)["compression_dof"].mean() == pytest.approx(3, rel=0.01)


def test_refusals_are_one_line(pilot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enough = [f"pilot.path={pilot}", "particles=800"]
    for words, message in (
        (["particles=800", "compression=3"], "pilot.path"),
        (enough, "^cryosense design: give compression=C"),
        ([f"pilot.path={pilot}", "compression=3"], "the number of particles"),
        ([*enough, "compression=1e6", "poses=known"], "leaves the first shell below fsc_floor=0.2: at most"),
        ([*enough, "compression=3"], "even without masks up to"),
        ([*enough, "compression=3", "alignment_floor=5"], "20 are needed"),
        ([*enough, "compression=3", "poses=known", "obtained=nowhere"], "there is no nowhere"),
    ):
        with pytest.raises(SystemExit, match=message):
            cryosense(monkeypatch, "design", "kind=masks", "output_dir=none", *words)
    assert not Path("none").exists()


def test_the_older_name_says_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shells = range(33)
    curve = [1 / (1 + math.exp(0.4 * shell - 6)) for shell in shells]
    table = pd.DataFrame({"shell": shells, "frequency_per_angstrom": [shell / 256 for shell in shells], "unmasked": curve})
    table.to_csv("fsc.csv", index=False)
    words = ["pilot.path=fsc.csv", "pilot.particles=500", "particles=5000", "compression=3", "poses=known"]
    cryosense(monkeypatch, "design-mask", *words, "output_dir=older")
    assert capsys.readouterr().err.splitlines()[0] == "cryosense design-mask: is now called cryosense design kind=masks"
    cryosense(monkeypatch, "design", "kind=masks", *words, "output_dir=newer")
    assert "now called" not in capsys.readouterr().err
    masks = Path("operator/masks/designed.yaml")
    assert ("older" / masks).read_text() == ("newer" / masks).read_text()
