"""Advice on particles that RELION made, from its project's root: commands as printed, and RELION's map of what comes out."""

import shlex
import shutil
from pathlib import Path

import mrcfile
import numpy as np
import pandas as pd
import pytest
import starfile
import torch

from cryosense.data.maps import read_map
from cryosense.measurement.file import MeasurementFile
from cryosense.metrics import fsc
from cryosense.simulation.builtin import HingedChain
from tests.cli.verbs import cryosense, relion
from tests.tasks.stacks import optics_table, particle_table

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("relion_project") is None, reason="RELION is not installed"),
]
BOX, PIXEL, COUNT, SNR = 32, 6.0, 800, 0.1
STAR, STACK = Path("Refine3D/job012/run_data.star"), Path("Extract/job007/particles.mrcs")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """The current directory, a project with particles of two optics groups; the table of particles."""
    monkeypatch.chdir(tmp_path)
    for folder in (STAR.parent, STACK.parent):
        folder.mkdir(parents=True)
    with mrcfile.new("reference.mrc", HingedChain(0, 2 * PIXEL, [0.0]).volumes(BOX, PIXEL)[0].numpy()) as mrc:
        mrc.voxel_size = PIXEL
    names = [f"{i + 1:06d}@{STACK}" for i in range(COUNT)]
    halves = [1 + i % 2 for i in range(COUNT)]
    particles = particle_table(COUNT).assign(rlnImageName=names, rlnRandomSubset=halves)
    optics = optics_table().assign(rlnImageDimensionality=2, rlnImageSize=BOX, rlnImagePixelSize=PIXEL)
    starfile.write({"optics": optics, "particles": particles}, STAR)
    made = ["relion_project", "--i", "reference.mrc", "--ang", str(STAR), "--ctf", "--o", str(STACK.with_suffix(""))]
    relion(*made)
    deviation = float(mrcfile.read(STACK).std()) / SNR**0.5
    relion(*made, "--add_noise", "--white_noise", str(deviation))
    assert float(mrcfile.read(STACK).std()) > deviation
    return starfile.read(STAR, always_dict=True)["particles"]


def relions_map(star: Path, path: str) -> torch.Tensor:
    relion("relion_reconstruct", "--i", str(star), "--o", path, "--ctf", "--pad", "2")
    return read_map(path).values


def test_the_recommended_command_works_from_the_root_of_a_project_and_relion_goes_on(
    project: pd.DataFrame, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mask = ["soft_mask=sphere", "soft_mask.radius_angstrom=60"]
    cryosense(monkeypatch, "advise", str(STAR), "sample=400", "checked=1", *mask)
    printed = [line.strip() for line in capsys.readouterr().out.splitlines()]
    (line,) = [line for line in printed if line.startswith("cryosense measure") and "nothing_lost" in line]
    cryosense(monkeypatch, *shlex.split(line)[1:])
    file = MeasurementFile.open("nothing_lost.cryo.h5")
    assert len(file) == COUNT
    assert file.bytes_per_particle < 4 * BOX**2 / 8
    (line,) = [line for line in printed if line.startswith("cryosense reconstruct") and "nothing_lost" in line]
    cryosense(monkeypatch, *shlex.split(line)[1:])
    (images,) = Path("outputs").glob("*/particles.star")
    written = starfile.read(images, always_dict=True)["particles"]
    pd.testing.assert_frame_equal(written[project.columns.drop("rlnImageName")], project.drop(columns="rlnImageName"))
    truth = read_map("reference.mrc").values
    before, after = (fsc(relions_map(star, f"map{i}.mrc"), truth) for i, star in enumerate((STAR, images)))
    resolved = slice(1, 10)
    assert float(before[resolved].min()) > 0.6
    assert np.abs((before - after)[resolved].numpy()).max() < 0.05
