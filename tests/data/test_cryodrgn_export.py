"""cryoDRGN's pickles: its own parser makes the same of our STAR files, and our reader gets back what was written."""

import argparse
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from cryosense.data import ParticleDataError, ParticleStack, StackWriter, write_star
from cryosense.data.cryodrgn import read_cryodrgn
from cryosense.data.cryodrgn_export import write_cryodrgn

PIXEL, BOX, COUNT = 3.73, 16, 40


def tables(**changes: object) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Particles in two optics groups, angles at the poles among them."""
    rng = np.random.default_rng(0)
    values = {
        "rlnAngleRot": rng.uniform(-180, 180, COUNT),
        "rlnAngleTilt": np.r_[0.0, 180.0, rng.uniform(0, 180, COUNT - 2)],
        "rlnAnglePsi": rng.uniform(-180, 180, COUNT),
        "rlnOriginXAngst": rng.normal(0, 5, COUNT),
        "rlnOriginYAngst": rng.normal(0, 5, COUNT),
        "rlnDefocusU": rng.uniform(8000, 20000, COUNT),
        "rlnDefocusV": rng.uniform(8000, 20000, COUNT),
        "rlnDefocusAngle": rng.uniform(0, 180, COUNT),
        "rlnPhaseShift": rng.uniform(0, 180, COUNT),
        "rlnOpticsGroup": 1 + np.arange(COUNT) % 2,
    }
    optics = {
        "rlnOpticsGroup": [1, 2],
        "rlnVoltage": [300.0, 200.0],
        "rlnSphericalAberration": [2.7, 1.2],
        "rlnAmplitudeContrast": [0.1, 0.07],
        "rlnImagePixelSize": PIXEL,
        "rlnImageSize": BOX,
    }
    particles = pd.DataFrame(values | changes)
    return particles.drop(columns=[name for name, value in changes.items() if value is None]), pd.DataFrame(optics)


def stack(directory: Path, noise, particles: pd.DataFrame, optics: pd.DataFrame | None) -> ParticleStack:
    images, star = directory / "particles.mrcs", directory / "particles.star"
    if not images.exists():
        with StackWriter(images, COUNT, BOX, PIXEL) as writer:
            writer.write(0, torch.from_numpy(noise(0, COUNT, 1, BOX, BOX)))
            writer.finish()
    star.unlink(missing_ok=True)
    write_star(star, images, particles, optics, box_size=BOX, pixel_size_angstrom=PIXEL)
    return ParticleStack.open(star)


def test_cryodrgns_own_parser_makes_the_same(tmp_path: Path, noise) -> None:
    commands = [pytest.importorskip(f"cryodrgn.commands.{name}") for name in ("parse_pose_star", "parse_ctf_star")]
    poses, ctf = write_cryodrgn(tmp_path / "ours", stack(tmp_path, noise, *tables()))
    theirs = []
    for command in commands:
        parser = argparse.ArgumentParser()
        command.add_args(parser)
        theirs.append(tmp_path / f"{command.__name__.rsplit('.', 1)[-1]}.pkl")
        command.main(parser.parse_args([str(tmp_path / "particles.star"), "-o", str(theirs[-1])]))
    (rotations, translations), expected = pickle.loads(poses.read_bytes()), pickle.loads(theirs[0].read_bytes())
    assert (rotations.dtype, translations.dtype) == (expected[0].dtype, expected[1].dtype) == (np.float64, np.float64)
    np.testing.assert_allclose(rotations, expected[0], atol=1e-14)
    np.testing.assert_allclose(translations, expected[1], rtol=1e-7)  # it holds the pixel size as float32
    written, parsed = pickle.loads(ctf.read_bytes()), pickle.loads(theirs[1].read_bytes())
    assert written.dtype == parsed.dtype == np.float32
    np.testing.assert_array_equal(written, parsed)


def test_our_reader_gets_back_what_was_written(tmp_path: Path, noise) -> None:
    particles, optics = tables()
    table, groups = read_cryodrgn(write_cryodrgn(tmp_path, stack(tmp_path, noise, particles, optics)), BOX, None)
    for name in ("rlnOriginXAngst", "rlnOriginYAngst", "rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle", "rlnPhaseShift"):
        np.testing.assert_allclose(table[name], particles[name], rtol=6e-7)  # float32, read to seven digits
    np.testing.assert_allclose(table["rlnAngleTilt"], particles["rlnAngleTilt"], atol=1e-5)
    assert groups is not None
    assert groups["rlnVoltage"].tolist() == [300, 200]


def test_origins_in_pixels_and_what_may_be_missing(tmp_path: Path, noise) -> None:
    old = {"rlnOriginXAngst": None, "rlnOriginYAngst": None, "rlnPhaseShift": None}
    first, optics = tables(**old)
    poses, ctf = write_cryodrgn(tmp_path / "none", stack(tmp_path, noise, first, optics))
    assert not pickle.loads(poses.read_bytes())[1].any()
    assert not pickle.loads(ctf.read_bytes())[:, 8].any()
    shifted = first.assign(rlnOriginX=4.0, rlnOriginY=-2.0)
    poses, _ = write_cryodrgn(tmp_path / "pixels", stack(tmp_path, noise, shifted, optics))
    np.testing.assert_array_equal(pickle.loads(poses.read_bytes())[1], [[0.25, -0.125]] * COUNT)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"rlnAngleTilt": None}, "no column rlnAngleTilt: cryoDRGN needs poses"),
        ({"rlnDefocusV": None}, "no column rlnDefocusV: cryoDRGN needs CTF"),
        ({"rlnOriginYAngst": None}, "no column rlnOriginYAngst: .* both axes"),
        ({"rlnDefocusU": ["x", *range(COUNT - 1)]}, r"rlnDefocusU is not a number for 1 particle\(s\), the first of them 0"),
    ],
)
def test_refusals_write_nothing(tmp_path: Path, noise, changes: dict[str, object], reason: str) -> None:
    opened = stack(tmp_path, noise, *tables(**changes))
    with pytest.raises(ParticleDataError, match=reason):
        write_cryodrgn(tmp_path / "out", opened)
    assert not (tmp_path / "out").exists()


def test_writing_again_is_harmless_but_never_overwrites(tmp_path: Path, noise) -> None:
    opened = stack(tmp_path, noise, *tables())
    before = [path.read_bytes() for path in write_cryodrgn(tmp_path, opened)]
    assert [path.read_bytes() for path in write_cryodrgn(tmp_path, opened)] == before
    with pytest.raises(ParticleDataError, match=r"ctf\.pkl: exists with other content"):
        write_cryodrgn(tmp_path, stack(tmp_path, noise, *tables(rlnDefocusU=9000.0)))
    assert (tmp_path / "poses.pkl").read_bytes() == before[0]
