"""Rows of a STAR file and particles of a measurement file are brought together by name; others are refused."""

from pathlib import Path

import pandas as pd
import pytest

from cryosense.cli.building import spread
from cryosense.data import ParticleStack
from cryosense.errors import ArgumentError, ParticleDataError
from cryosense.files.star_writing import star_text
from cryosense.measurement.file import MeasuredSource, open_particles
from tests.cli.test_measure import cryosense
from tests.measurement.file.stacks import write_many

COUNT, CHOSEN = 70, 35
NUMBERS = (spread(COUNT, CHOSEN) + 1).tolist()  # in the stack, of those in the files
FIRST, SECOND = NUMBERS[:2]
ABSENT = 3 - FIRST  # the other one of the first two


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with files of half of its particles: ``named.cryo.h5`` of a STAR file, ``nameless.cryo.h5`` of its images."""
    folder = tmp_path_factory.mktemp("stack")
    star = write_many(folder, COUNT)
    for path, name in ((star, "named"), (star.with_suffix(".mrcs"), "nameless")):
        cryosense("measure", path, f"output={folder}/{name}.cryo.h5", f"particles={CHOSEN}", "design=full", "quantiser=sign")
    return folder


def table(made: Path, names: list[str], **more: object) -> Path:
    """-> a STAR file whose row i has the angle i."""
    stack = ParticleStack.open(made / "particles.star")
    rows = stack.tables.particles.iloc[: len(names)].assign(rlnImageName=names, rlnAngleRot=range(len(names)), **more)
    optics = stack.tables.optics
    assert optics is not None
    path = made / "found.star"
    path.write_text("".join(star_text({"optics": optics, "particles": pd.DataFrame(rows)})))
    return path


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("named", "{number:06d}@particles.mrcs"),
        ("named", "{number}@some/where/else/particles.mrcs"),
        ("named", "{position:06d}@elsewhere/named.cryo.h5"),
        ("nameless", "{number:06d}@any.mrcs"),
        ("nameless", "{position:06d}@renamed.cryo.h5"),
    ],
)
def test_rows_are_found_by_name_in_any_order(made: Path, name: str, words: str) -> None:
    positions = [30, 2, 17]
    star = table(made, [words.format(number=NUMBERS[at], position=at + 1) for at in positions])
    source, whole = (open_particles(made / f"{name}.cryo.h5", metadata) for metadata in (star, None))
    assert isinstance(source, MeasuredSource)
    assert source.positions.tolist() == positions
    assert source.images.metadata["rlnAngleRot"].tolist() == [0, 1, 2]
    assert (source.images[:] == whole.images[positions]).all()
    assert source.data_fingerprint != whole.data_fingerprint
    assert source.images.files == [star, made / f"{name}.cryo.h5"]


def test_a_table_of_the_same_rows_takes_the_place_of_the_files_own(made: Path) -> None:
    own = [f"{number:06d}@particles.mrcs" for number in NUMBERS]
    source = open_particles(made / "named.cryo.h5", table(made, own), reference=made / "particles.star")
    originals = ParticleStack.open(made / "particles.star")
    assert source.originals
    assert source.images.metadata["rlnAngleRot"].tolist() == list(range(CHOSEN))
    assert (source.images[3] == originals[NUMBERS[3] - 1]).all()


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (
            [f"{FIRST}@particles.mrcs", f"{ABSENT}@particles.mrcs"],
            f"row 2 names {ABSENT}@particles.mrcs, which is no particle of",
        ),
        ([f"{FIRST}@particles.mrcs", f"{SECOND}@others.mrcs"], "(1 of 2 rows)"),
        ([f"{SECOND:06d}@particles.mrcs", f"{SECOND}@a/particles.mrcs"], "rows 1 and 2 name one particle"),
        (["000036@named.cryo.h5"], "which is no particle of"),
    ],
)
def test_rows_of_other_particles_are_refused(made: Path, names: list[str], said: str) -> None:
    with pytest.raises(ParticleDataError) as refused:
        open_particles(made / "named.cryo.h5", table(made, names))
    assert said in str(refused.value)
    assert "found.star: " in str(refused.value)


def test_what_names_no_particles_or_has_another_scale_is_refused(made: Path) -> None:
    path = made / "named.cryo.h5"
    with pytest.raises(ArgumentError, match=r"takes one \.star"):
        open_particles(path, made / "particles.mrcs")
    star = table(made, [f"{FIRST}@particles.mrcs"])
    star.write_text(star.read_text().replace("rlnImageName", "rlnMicrographName"))
    with pytest.raises(ParticleDataError, match="no column rlnImageName"):
        open_particles(path, star)
    star = table(made, [f"{FIRST}@particles.mrcs"])
    star.write_text(star.read_text().replace("_rlnImagePixelSize", "_rlnOther").replace("_rlnOpticsGroupName", "_rlnName"))
    frame = pd.DataFrame({"rlnImageName": [f"{FIRST}@particles.mrcs"], "rlnImagePixelSize": [2.0]})
    star.write_text("".join(star_text({"particles": frame})))
    with pytest.raises(ParticleDataError, match="pixel size 2 Angstrom"):
        open_particles(path, star)
