"""Values in another unit are refused by column, value and range; what microscopes have is let pass."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cryosense.data import ParticleDataError
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
