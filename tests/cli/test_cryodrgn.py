"""cryoDRGN itself on what the package writes: its programs run, and understand poses, CTF and images as they are meant."""

import subprocess
import sys
from pathlib import Path

import mrcfile
import numpy as np
import pandas as pd
import pytest
import starfile

pytestmark = pytest.mark.slow
BIN = Path(sys.executable).parent

SMALL = ["box_size=32", "pixel_size_angstrom=7.0", "density.resolution_angstrom=14.0"]
# What RELION and cryoSPARC ask for in a file of particles with poses.
PARTICLES = {
    *("rlnImageName", "rlnMicrographName", "rlnOpticsGroup", "rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"),
    *("rlnOriginXAngst", "rlnOriginYAngst", "rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle", "rlnPhaseShift"),
}
OPTICS = {
    *("rlnOpticsGroup", "rlnOpticsGroupName", "rlnImagePixelSize", "rlnImageSize", "rlnImageDimensionality"),
    *("rlnVoltage", "rlnSphericalAberration", "rlnAmplitudeContrast"),
}


@pytest.fixture(scope="module", autouse=True)
def _cryodrgn() -> None:
    if not (BIN / "cryodrgn").exists():
        pytest.skip("cryodrgn is not installed: pip install 'cryosense[heterogeneity]'")


def run(*words: object) -> str:
    """Run a program that is installed beside this Python. -> what it prints."""
    line = [str(BIN / str(words[0])), *map(str, words[1:])]
    done = subprocess.run(line, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def cryodrgn_files(star: Path) -> list[object]:
    """-> the options that name poses and CTF of a stack, exported beside it."""
    run("cryosense", "export", star)
    return ["--poses", star.with_name("poses.pkl"), "--ctf", star.with_name("ctf.pkl")]


def test_poses_ctf_shifts_and_contrast_mean_the_same_to_cryodrgn(tmp_path: Path) -> None:
    run("cryosense", "simulate", f"output_dir={tmp_path}", "count=300", "shift_deviation_angstrom=20", *SMALL)
    star = tmp_path / "clean.star"
    run("cryodrgn", "backproject_voxel", star, *cryodrgn_files(star), "-o", tmp_path / "map", "--no-half-maps")
    found, true = (mrcfile.read(path) for path in (tmp_path / "map" / "backproject.mrc", tmp_path / "volume.mrc"))
    # Noiseless views from all sides; a wrong sign, hand, transpose or shift leaves less than half of it.
    assert np.corrcoef(found.ravel(), true.ravel())[0, 1] > 0.8
    with mrcfile.open(tmp_path / "map" / "backproject.mrc", header_only=True) as mrc:
        assert float(mrc.voxel_size.x) == pytest.approx(7.0)


def test_training_on_original_and_recovered_particles_feeds_compare_latents(tmp_path: Path) -> None:
    data = tmp_path / "data"
    run("cryosense", "simulate", f"output_dir={data}", "count=100", "density=hinge_states", *SMALL)
    recovery = ["operator=pixel", "reconstructor=pinv", "compression=2", "scores.lpips=null"]
    run("cryosense", "reconstruct", f"data.path={data / 'particles.star'}", f"output_dir={tmp_path / 'pinv'}", *recovery)
    (recovered,) = (tmp_path / "pinv").glob("*/particles.star")
    blocks = starfile.read(recovered, always_dict=True)
    assert set(blocks["particles"].columns) >= PARTICLES
    assert set(blocks["optics"].columns) >= OPTICS
    assert mrcfile.validate(recovered.with_name("particles.mrcs"))
    latents = []
    for star in (data / "particles.star", recovered):
        network = ["--zdim", "2", "--enc-dim", "32", "--dec-dim", "32", "--num-epochs", "2", "--no-amp", "--no-analysis"]
        output = star.parent / "cryodrgn"
        run("cryodrgn", "train_vae", star, *cryodrgn_files(star), *network, "--seed", "0", "-o", output)
        latents.append(output / "z.2.pkl")
    known = ["known=classes", f"known.path={data / 'labels.csv'}", "known.column=state"]
    output = tmp_path / "compared"
    printed = run("cryosense", "compare-latents", *latents, *known, "embedding=pca", f"output_dir={output}")
    assert "floor: particles shuffled" in printed
    assert len(pd.read_csv(output / "particles.csv")) == 100
    assert pd.read_csv(output / "comparison.csv")["agreement"].between(0.25, 1).all()
