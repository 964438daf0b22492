"""Where pixel sizes stand, and optics tables that do not describe the particles."""

from pathlib import Path

import pandas as pd
import pytest

from cryosense.data import ParticleDataError
from cryosense.data.pixel_sizes import check_headers, check_optics, common_pixel_size, metadata_pixel_sizes

SOURCE = Path("p.star")


def test_detector_and_magnification_of_relion_30() -> None:
    table = pd.DataFrame({"rlnDetectorPixelSize": [7.0, 14.0], "rlnMagnification": [50000, 100000]})
    assert common_pixel_size(SOURCE, metadata_pixel_sizes(table, None)) == pytest.approx(1.4)


def test_groups_without_particles_do_not_count() -> None:
    optics = pd.DataFrame({"rlnOpticsGroup": [1, 2], "rlnImagePixelSize": [1.0, 3.0]})
    table = pd.DataFrame({"rlnOpticsGroup": [2, 2]})
    assert common_pixel_size(SOURCE, metadata_pixel_sizes(table, optics)) == 3.0


def test_nothing_known_and_nothing_agreed() -> None:
    assert common_pixel_size(SOURCE, metadata_pixel_sizes(pd.DataFrame(index=range(2)), None)) is None
    table = pd.DataFrame({"rlnDetectorPixelSize": [7.0, 7.0], "rlnMagnification": [50000, 60000]})
    with pytest.raises(ParticleDataError, match=r"p\.star: particles of different pixel size"):
        common_pixel_size(SOURCE, metadata_pixel_sizes(table, None))


def test_headers_must_agree_with_the_metadata() -> None:
    check_headers(SOURCE, 2.0, {Path("a.mrcs"): 2.01, Path("b.mrcs"): 1.0})
    with pytest.raises(ParticleDataError, match=r"p\.star: pixel size 2 Angstrom, but a\.mrcs says 2\.1 in its header"):
        check_headers(SOURCE, 2.0, {Path("a.mrcs"): 2.1})


def test_optics_table_must_describe_the_particles() -> None:
    optics = pd.DataFrame({"rlnOpticsGroup": [1], "rlnImageSize": [64]})
    check_optics(SOURCE, pd.DataFrame({"rlnOpticsGroup": [1]}), optics, 64, sizes_must_agree=True)
    with pytest.raises(ParticleDataError, match="optics group 3"):
        check_optics(SOURCE, pd.DataFrame({"rlnOpticsGroup": [1, 3]}), optics, 64, sizes_must_agree=True)
    with pytest.raises(ParticleDataError, match="rlnImageSize 64"):
        check_optics(SOURCE, pd.DataFrame({"rlnOpticsGroup": [1]}), optics, 32, sizes_must_agree=True)
    with pytest.raises(ParticleDataError, match="data_particles has no column rlnOpticsGroup"):
        check_optics(SOURCE, pd.DataFrame({"rlnClassNumber": [1]}), optics, 64, sizes_must_agree=True)


def test_what_is_no_number_is_no_size() -> None:
    particles = pd.DataFrame({"rlnOpticsGroup": [1]})
    optics = pd.DataFrame({"rlnOpticsGroup": [1], "rlnImagePixelSize": ["1.5x"], "rlnImageSize": [float("nan")]})
    with pytest.raises(ParticleDataError, match=r"a\.star: pixel sizes must be positive"):
        common_pixel_size(Path("a.star"), metadata_pixel_sizes(particles, optics))
    with pytest.raises(ParticleDataError, match=r"a\.star: optics group 1 has rlnImageSize nan"):
        check_optics(Path("a.star"), particles, optics, 8, True)


def test_an_optics_group_that_is_described_twice() -> None:
    particles, optics = pd.DataFrame({"rlnOpticsGroup": [1]}), pd.DataFrame({"rlnOpticsGroup": [1, 1]})
    with pytest.raises(ParticleDataError, match="one optics group twice"):
        check_optics(Path("a.star"), particles, optics, 8, True)
