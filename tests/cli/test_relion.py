"""RELION on files that were written here, started where its users start it: in the root of their project."""

import shutil
import subprocess
from pathlib import Path

import pytest
import starfile
import torch

from cryosense.cli import main
from cryosense.data.maps import read_map
from cryosense.metrics import fsc
from tests.cli.test_align import ANGLES, ORIGINS, errors

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("relion_refine") is None, reason="RELION is not installed"),
]
SET = ["box_size=32", "pixel_size_angstrom=7.0", "density.resolution_angstrom=14.0", "count=200", "snr=1.0", "seed=1"]
REFERENCE = ["reference=set/volume.mrc", "reference_resolution_angstrom=20"]
# 7.5 degrees with oversampling, from the true map.
REFINE = (
    "--firstiter_cc --ctf --iter 1 --particle_diameter 200 --flatten_solvent --zero_mask --oversampling 1 --healpix_order 2"
)
REFINE += " --offset_range 3 --offset_step 2 --norm --scale --tau2_fudge 4 --K 1 --pad 2 --j 1 --dont_combine_weights_via_disc"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root of a project with simulated particles, which is the current directory."""
    monkeypatch.chdir(tmp_path)
    cryosense(monkeypatch, "simulate", "output_dir=set", *SET)
    return tmp_path


def cryosense(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr("sys.argv", ["cryosense", *words])
    assert main.main() == 0


def relion(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_maps_are_made_of_every_star_file_from_the_root_of_a_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cryosense(monkeypatch, "align", "data.path=set/particles.star", "output_dir=outputs/poses", *REFERENCE)
    quick = ["reconstructor=pinv", "compression=1.5", "scores.lpips=null", "draw_example=false", "output_dir=outputs/images"]
    cryosense(monkeypatch, "reconstruct", "data.path=set/particles.star", *quick)
    (images,) = Path("outputs/images").glob("*/particles.star")
    truth = read_map("set/volume.mrc").values
    for number, (path, least) in enumerate(
        ((Path("set/particles.star"), 0.95), (Path("outputs/poses/particles.star"), 0.9), (images, 0.9))
    ):
        relion("relion_reconstruct", "--i", str(path), "--o", f"map{number}.mrc", "--ctf", "--pad", "2")
        curve = fsc(read_map(f"map{number}.mrc").values, truth)
        assert float(curve[1:8].min()) > least, path


def test_poses_are_no_worse_than_those_of_relion(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the same map at the same resolution, neither knowing any; and RELION goes on from poses that were found here."""
    blocks = starfile.read("set/particles.star", always_dict=True)
    blocks["particles"] = blocks["particles"].drop(columns=[*ANGLES, *ORIGINS])
    starfile.write(blocks, "blind.star")
    cryosense(monkeypatch, "align", "data.path=blind.star", "output_dir=outputs/poses", *REFERENCE)
    common = ["--ref", "set/volume.mrc", "--ini_high", "20", *REFINE.split()]
    relion("relion_refine", "--i", "blind.star", "--o", "theirs", *common)
    relion("relion_refine", "--i", "outputs/poses/particles.star", "--o", "after", *common)
    ours, _ = errors(Path("outputs/poses/particles.star"), project / "set")
    theirs, after = (errors(Path(f"{name}_it001_data.star"), project / "set")[0] for name in ("theirs", "after"))
    assert float(ours.median()) < float(theirs.median())
    assert float(theirs.median()) < 10
    assert float(torch.quantile(after, 0.5)) < 10
