"""Values in another unit are refused by column, value and range; what microscopes have is let pass."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cryosense.data import ParticleDataError
from cryosense.data.radians import POSE, radians_among
from cryosense.data.ranges import check_b_factor, check_origins, check_ranges
from cryosense.data.tables import Tables

N = 40


def tables() -> Tables:
    return Tables(Path("p.star"), pd.DataFrame(index=range(N)), None)


@pytest.mark.parametrize(
    ("column", "value", "allowed"),
    [
        ("rlnAmplitudeContrast", 10.0, "0 ... 1"),
        ("rlnAmplitudeContrast", 2.0, "0 ... 1"),
        ("rlnAmplitudeContrast", -0.1, "0 ... 1"),
        ("rlnVoltage", 300000.0, "10 ... 3000 kV"),
        ("rlnVoltage", 0.0, "10 ... 3000 kV"),
        ("rlnSphericalAberration", -2.7, "0 ... 20 mm"),
        ("rlnSphericalAberration", 2.7e7, "0 ... 20 mm"),
        ("rlnDefocusU", 5e6, "-100000 ... 1e"),
        ("rlnCtfScalefactor", 0.0, "0.001 ... 1000"),
        ("rlnAnglePsi", 1e6, "-3600 ... 3600 degrees"),
        ("rlnBeamTiltX", 1e3, "-100 ... 100 mrad"),
    ],
)
def test_out_of_range(column: str, value: float, allowed: str) -> None:
    values = np.full((N, 1), 0.5)
    values[7:9] = value
    with pytest.raises(ParticleDataError, match=rf"p\.star: {column} is .* for particle .*: must lie in {allowed}"):
        check_ranges(tables(), [column], values)


@pytest.mark.parametrize(
    ("columns", "scale", "message"),
    [
        (["rlnDefocusU", "rlnDefocusV"], 1.5, "rlnDefocusU is .* must be 0, or at least 100 Angstrom"),
        (
            ["rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"],
            np.pi,
            "rlnAngleRot, rlnAngleTilt, rlnAnglePsi: .* look like radians",
        ),
        (["rlnDefocusAngle"], np.pi / 2, "rlnDefocusAngle: .* look like radians"),
    ],
)
def test_another_unit(columns: list[str], scale: float, message: str) -> None:
    values = scale * np.random.default_rng(0).uniform(0.1, 1, (N, len(columns)))
    with pytest.raises(ParticleDataError, match=message):
        check_ranges(tables(), columns, values)
    check_ranges(tables(), columns, 180 * values + 100)


POSE_DEGREES = {"rlnAngleRot": (-180, 180), "rlnAngleTilt": (0, 180), "rlnAnglePsi": (-180, 180)}


@pytest.mark.parametrize("among", [["rlnAngleTilt"], ["rlnAngleRot"], ["rlnAngleRot", "rlnAnglePsi"], []])
def test_some_angles_in_radians_beside_degrees_are_named(among: list[str]) -> None:
    rng = np.random.default_rng(0)
    angles = {name: rng.uniform(*of, 300) * (np.pi / 180 if name in among else 1) for name, of in POSE_DEGREES.items()}
    of_file = Tables(Path("p.star"), pd.DataFrame(angles), None)
    check_ranges(of_file, POSE, of_file.numbers(POSE))
    notes = radians_among(of_file, POSE)
    assert [note.split()[0] for note in notes] == among
    assert all("for all 300 particles: are these radians?" in note for note in notes)


def test_views_of_one_side_and_few_particles_are_not_named() -> None:
    rng = np.random.default_rng(0)
    views = {name: rng.uniform(*of, 300) for name, of in POSE_DEGREES.items()}
    top = pd.DataFrame(views | {"rlnAngleTilt": np.abs(rng.normal(0, 4, 300))})
    helix = pd.DataFrame(views | {"rlnAngleTilt": rng.normal(90, 1, 300)})
    few = pd.DataFrame(views | {"rlnAngleTilt": np.deg2rad(views["rlnAngleTilt"])}).head(90)
    for table in (top, helix, few):
        assert radians_among(Tables(Path("p.star"), table, None), POSE) == []


def test_what_depends_on_pixel_and_box() -> None:
    for b_factor, pixel in ((-321.0, 1.0), (2e5, 1.0), (-8001.0, 5.0)):
        with pytest.raises(ParticleDataError, match="rlnCtfBfactor is"):
            check_b_factor(tables(), np.array([0.0, b_factor]), pixel)
    check_b_factor(tables(), np.array([-319.0, 500.0]), 1.0)
    with pytest.raises(ParticleDataError, match=r"rlnOriginYAngst is -51 for particle 1, .*: must lie in -50 ... 50 Angstrom"):
        check_origins(tables(), np.array([[49.0, 0.0], [0.0, -51.0]]), 100.0)


def test_what_is_let_pass() -> None:
    names = ["rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle", "rlnVoltage", "rlnAmplitudeContrast", "rlnPhaseShift"]
    check_ranges(tables(), names, np.tile([0.0, 0.0, 0.0, 1000.0, 1.0, 0.0], (N, 1)))
    check_ranges(tables(), names, np.tile([-300.0, 50.0, 359.0, 80.0, 0.0, 90.0], (N, 1)))
