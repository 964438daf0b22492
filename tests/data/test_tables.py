"""Columns of particles and of their optics groups: one value each, or none."""

from pathlib import Path

import pandas as pd
import pytest

from cryosense.data import ParticleDataError
from cryosense.data.pixel_sizes import common_pixel_size, metadata_pixel_sizes
from cryosense.data.tables import Tables

OPTICS = pd.DataFrame({"rlnOpticsGroup": [1, 2], "rlnVoltage": [300.0, 200.0], "rlnImagePixelSize": [1.5, 1.5]})
PARTICLES = pd.DataFrame({"rlnOpticsGroup": [2, 1, 2]})


def test_what_both_tables_say_alike_is_said_once() -> None:
    for own in ([200, 300, 200], ["200.0", "300", "2e2"]):
        tables = Tables(Path("p.star"), PARTICLES.assign(rlnVoltage=own), OPTICS)
        assert tables.numbers(["rlnVoltage", "rlnOpticsGroup"]).tolist() == [[200, 2], [300, 1], [200, 2]]


@pytest.mark.parametrize("own", [[200.0, 300.0, 300.0], ["200", "300", "nan"], ["200", "300", "unknown"]])
def test_what_they_say_differently_is_refused(own: list[object]) -> None:
    tables = Tables(Path("p.star"), PARTICLES.assign(rlnVoltage=own), OPTICS)
    with pytest.raises(
        ParticleDataError, match=r"p\.star: rlnVoltage is .* for particle 2, .*, and 200.0 for its optics group"
    ):
        tables.numbers(["rlnVoltage"])


def test_two_pixel_sizes_are_refused() -> None:
    found = metadata_pixel_sizes(PARTICLES.assign(rlnImagePixelSize=3.0), OPTICS)
    with pytest.raises(ParticleDataError, match=r"optics group 1: 1.5 Angstrom, .*rlnImagePixelSize of particles 3.0: 3 Ang"):
        common_pixel_size(Path("p.star"), found)
    assert common_pixel_size(Path("p.star"), metadata_pixel_sizes(PARTICLES.assign(rlnImagePixelSize=1.5), OPTICS)) == 1.5
