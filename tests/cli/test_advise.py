"""Advice as a new user asks for it: one command, and the commands that it recommends, as they are printed."""

import json
import re
import shlex
from pathlib import Path

import mrcfile
import numpy as np
import pandas as pd
import pytest
import starfile

from cryosense.cli.advise import commands
from cryosense.measurement.file import MeasurementFile
from cryosense.runs.provenance import sessions
from tests.cli.stacks import MASK, simulated_set
from tests.cli.verbs import cryosense


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with particles in it."""
    return simulated_set(tmp_path, monkeypatch)


def test_the_recommended_command_does_what_was_said(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["advise", "set/particles.star", "sample=300", "checked=1", *MASK]  # every second one would be of one half set
    cryosense(monkeypatch, *words)
    printed = capsys.readouterr().out
    table, checks = pd.read_csv("outputs/advice/advice.csv"), pd.read_csv("outputs/advice/checks.csv")
    summary = json.loads(Path("outputs/advice/advice.json").read_text())
    assert (summary["particles"], summary["sample_particles"]) == (600, 300)
    assert Path("outputs/advice/advice.png").stat().st_size > 20_000
    assert not Path("outputs/advice/work").exists()
    assert len(checks) == 1
    assert checks["equivalent_measured"][0] == pytest.approx(checks["equivalent_expected"][0], abs=0.05)
    assert checks["bytes_measured"][0] == pytest.approx(checks["bytes_expected"][0], rel=0.03)
    (line,) = [line.strip() for line in printed.splitlines() if "quantiser=nothing_lost" in line]
    cryosense(monkeypatch, *shlex.split(line)[1:])
    file = MeasurementFile.open("nothing_lost.cryo.h5")
    said = summary["answers"]["nothing_lost"]
    assert file.bytes_per_particle == pytest.approx(said["bytes_per_particle"], rel=0.03)
    assert said["equivalent_particles_share"] >= 0.95
    assert said["scheme"] in table["scheme"].tolist()
    cryosense(monkeypatch, *words)
    assert len(sessions(Path("outputs/advice"))) == 1
    assert capsys.readouterr().out.splitlines()[-2:] == printed.splitlines()[-2:]


@pytest.mark.parametrize(("levels", "bits", "kind"), [(2, 1.0, np.float32), (4, 1.9, np.int8)])
def test_what_cannot_be_compressed_further_is_told_so(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], levels: int, bits: float, kind: type
) -> None:
    requantise(Path("set/particles.mrcs"), levels, kind)
    cryosense(monkeypatch, "advise", "data.path=set/particles.star", "checked=0", *MASK)
    printed = capsys.readouterr().out
    (told,) = re.findall(rf"{levels} different values each, (.*) bits a pixel: they were quantised before", printed)
    assert float(told) == pytest.approx(bits, abs=0.05)
    assert "They cannot be compressed further without loss" in printed


def requantise(stack: Path, levels: int, kind: type) -> None:
    """Leave so many levels in a stack, a deviation apart, as what was saved as integers has them."""
    values = mrcfile.read(stack)
    coarse = np.clip(np.floor(values / values.std()) + levels // 2, 0, levels - 1)
    with mrcfile.new(stack, coarse.astype(kind), overwrite=True) as mrc:
        mrc.voxel_size = 6.0
        mrc.set_image_stack()


def test_of_too_few_particles_nothing_can_be_told(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = starfile.read("set/particles.star", always_dict=True)
    with mrcfile.mmap("set/particles.mrcs", mode="r+") as mrc:  # the signal is next to nothing
        mrc.data[:] += 20 * np.random.default_rng(1).standard_normal(mrc.data.shape, dtype=np.float32) * mrc.data.std()
    starfile.write(blocks | {"particles": blocks["particles"].iloc[:30]}, "set/few.star")
    with pytest.raises(SystemExit, match=r"set/few.star: nothing is resolved by the half maps of 30 particles.*give more"):
        cryosense(monkeypatch, "advise", "set/few.star", *MASK)
    assert not list(Path("outputs/advice").glob("*.csv"))


def test_recommended_commands_say_of_the_data_what_was_said_to_advice() -> None:
    given = ["data.path=my set/p.star", "data.root=my set", "data_checks.skip_bad=true", "checked=0", "geometry=binned"]
    (command,) = commands("my advice", "my set/p.star", ["balanced"], given).values()
    first = ["cryosense", "measure", "--config-dir", "my advice", "my set/p.star", "quantiser=balanced"]
    told = ["data.root=my set", "data_checks.skip_bad=true", "geometry=binned"]
    assert shlex.split(command) == [*first, *told, "output=balanced.cryo.h5"]


def test_refusals_are_one_line(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = starfile.read("set/particles.star", always_dict=True)
    noise, poseless = blocks["particles"].iloc[:60].copy(), blocks["particles"].drop(columns="rlnAngleRot")
    noise["rlnImageName"] = [f"{i + 1}@set/noise.mrcs" for i in range(len(noise))]
    with mrcfile.new("set/noise.mrcs") as mrc:
        mrc.set_data(np.random.default_rng(0).standard_normal((len(noise), 32, 32), dtype=np.float32))
        mrc.voxel_size = 6.0
    starfile.write(blocks | {"particles": noise}, "set/noise.star")
    starfile.write(blocks | {"particles": poseless}, "set/poseless.star")
    cryosense(monkeypatch, "measure", "set/noise.star", "output=noise.cryo.h5")
    for words, message in (
        (["data.path=set/noise.star"], "set/noise.star: nothing is resolved by the half maps of 60 particles"),
        (["data.path=set/poseless.star"], "rlnAngleRot"),
        (["data.path=noise.cryo.h5"], "data.path=noise.cryo.h5: is compressed already"),
        (["data.path=set/particles.star", "poses=found"], "poses=found: known or unknown"),
        (["data.path=set/particles.star", "checked=7"], "checked=7"),
        (["data.path=set/particles.star", "sample=1"], "sample=1: give at least 2"),
        ([], "data.path"),
    ):
        with pytest.raises(SystemExit, match=message):
            cryosense(monkeypatch, "advise", "output_dir=none", *words, *MASK)
    assert not list(Path().glob("none/*.csv"))
