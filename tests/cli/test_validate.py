"""Honest chains pass, and those that know the answer, or paint the same thing into every image, do not."""

import json
from pathlib import Path

import mrcfile
import pandas as pd
import pytest
import torch
from hydra import compose, initialize_config_dir

from cryosense.cli.building import build, open_source
from cryosense.cli.conf_dir import conf_dir
from cryosense.measurement import Measurement
from cryosense.reconstructors import Estimate, PseudoInverse, Reconstructor
from cryosense.runs.provenance import sessions
from cryosense.tasks.validate.validation import Validation
from tests.cli.verbs import cryosense

SET = ["box_size=32", "pixel_size_angstrom=6.0", "density.resolution_angstrom=12.0", "count=400", "snr=0.1", "seed=1"]
CHAIN = ["data=stack", "data.path=set/particles.star", "scores.lpips=null", "operator=fourier", "operator/masks=uniform"]
CHAIN += ["operator.per_particle=true", "reconstructor=pinv"]


class Knowing(Reconstructor):
    """Adds a part of the clean image, which it should not have, to each of the particles, taken to come in order."""

    name = "knowing"

    def __init__(self) -> None:
        super().__init__()
        with mrcfile.open("set/clean.mrcs") as mrc:
            self.clean = torch.tensor(mrc.data)[:, None]
        self.next = 0

    def forward(self, measurement: Measurement) -> Estimate:
        rows = (self.next + torch.arange(len(measurement))) % len(self.clean)
        self.next += len(measurement)
        return Estimate(measurement.operator.pinv(measurement.y) + 0.3 * self.clean[rows])


class Painting(Reconstructor):
    """Adds the same image, a bright spot, to all."""

    name = "painting"

    def forward(self, measurement: Measurement) -> Estimate:
        x = measurement.operator.pinv(measurement.y)
        axis = torch.arange(x.shape[-1]) - x.shape[-1] // 2
        return Estimate(x + 0.5 * torch.exp(-(axis[:, None] ** 2 + axis**2) / 8))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a simulated data set, the current one."""
    monkeypatch.chdir(tmp_path)
    cryosense(monkeypatch, "simulate", "output_dir=set", *SET)
    return tmp_path


def checked(reconstructor: Reconstructor, name: str, chunk_size: int = 64) -> pd.DataFrame:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("validate", [*CHAIN, f"chunk_size={chunk_size}"])
    source = open_source(cfg)
    run = build(cfg, "validation", source, {})
    object.__setattr__(run, "reconstructor", reconstructor)
    settings = {"cutoff_angstrom": 48.0, "randomise_below": 0.8, "ctf_correction": True, "most_particles": 400}
    checks = Validation(run, "set/volume.mrc", **settings, significance=1e-3, pad_factor=2, regularisation=1.0)
    Path(name).mkdir()
    checks.make(lambda count: None).write(Path(name))
    return pd.read_csv(f"{name}/validation.csv").set_index(["images", "chain", "curve"])


def test_an_honest_chain_passes_on_the_command_line(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["validate", *CHAIN, "reference=set/volume.mrc", "cutoff_angstrom=48", "output_dir=honest", "most_particles=300"]
    cryosense(monkeypatch, *words)
    printed = capsys.readouterr().out
    assert printed.count("| pass |") == 8
    assert "passed; look at honest/validation.png" in printed
    done = json.loads((here / "honest" / "done.json").read_text())
    assert (done["passed"], done["cutoff_shell"], done["particles"]) == (True, 4, 300)
    assert [session["ended"] is not None for session in sessions(here / "honest")] == [True]
    curves = pd.read_csv("honest/curves.csv")
    assert curves["particles, compressed, to truth"][2:6].min() > 0.5
    assert (here / "honest" / "validation.png").stat().st_size > 10_000
    before = (here / "honest" / "validation.csv").stat().st_mtime_ns
    cryosense(monkeypatch, *words)
    assert (here / "honest" / "validation.csv").stat().st_mtime_ns == before


def test_checks_can_fail(here: Path) -> None:
    del here
    knowing = checked(Knowing(), "knowing")
    assert not knowing.loc[("noise", "compressed", "to truth"), "passed"]
    assert not knowing.loc[("randomised", "compressed", "to truth"), "passed"]
    painting = checked(Painting(), "painting")
    assert not painting.loc[("noise", "compressed", "half maps"), "passed"]
    for found in (knowing, painting):
        assert found.xs("uncompressed", level="chain")["passed"].all()


def test_portions_change_nothing(here: Path) -> None:
    del here
    small, large = (checked(PseudoInverse(), f"chunks_{size}", size) for size in (37, 400))
    pd.testing.assert_frame_equal(small, large, rtol=1e-4, atol=1e-6)


def test_refusals_are_one_line(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del here
    for words, message in (
        ([*CHAIN, "significance=2"], "^cryosense validate: .*significance=2"),
        ([*CHAIN, "reference=none.mrc"], "reference: none.mrc"),
        ([*CHAIN, "cutoff_angstrom=13"], "from shell 15 of 16"),
        (["data.path=set/particles.mrcs"], "no column rlnAngleRot"),
    ):
        with pytest.raises(SystemExit, match=message):
            cryosense(monkeypatch, "validate", "output_dir=refused", *words)
    assert not Path("refused").exists()


def test_noise_that_was_aligned_shows_the_reference_and_nothing_beyond_it(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aligned = ["align_noise_to_angstrom=30", "reference=set/volume.mrc", "output_dir=aligned"]
    cryosense(monkeypatch, "validate", *CHAIN, *aligned)
    curves = pd.read_csv(here / "aligned" / "curves.csv")
    half_maps, to_truth = (curves[f"noise, aligned, {name}"] for name in ("half maps", "to truth"))
    assert to_truth[2:7].mean() > 0.3  # to shell 6, 30 Angstrom: of noise alone
    assert half_maps[2:7].mean() > 0.15  # in which the half sets agree, as if it were real
    assert abs(to_truth[9:15]).max() < 0.25
    told = (here / "aligned" / "validation.md").read_text()
    assert told.count("invented |") == 2
    assert "| beyond | half maps | 9-15 |" in told
