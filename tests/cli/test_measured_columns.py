"""What a STAR file says beside the images: named where it is not used, and the same text behind a measurement file."""

from pathlib import Path

import pytest

from cryosense.files.star_text import read_blocks
from cryosense.files.star_writing import star_text
from tests.cli.test_measure import cryosense
from tests.files.star_files import VALUES
from tests.measurement.file.stacks import write_many

COUNT = len(VALUES)
NUMBERS = ["1.10", "-0.0", "+5", ".5", "1e3", "007", "12.500000", "1234567890123456789012", "0.1", "1e-300"]


def with_columns(star: Path, columns: dict[str, list[str]]) -> Path:
    """-> a copy of a STAR file with columns of text."""
    tables = {name: block.table() for name, block in read_blocks(star).items()}
    tables["particles"] = tables["particles"].assign(**columns)
    path = star.with_name("changed.star")
    path.write_text("".join(star_text(tables)), encoding="utf-8")
    return path


def text(star: Path) -> dict[str, list[str]]:
    """-> the columns of a STAR file, but for where the images lie."""
    tables = {name: block.table() for name, block in read_blocks(star).items()}
    columns = {f"{name}.{label}": table[label].tolist() for name, table in tables.items() for label in table.columns}
    return {name: column for name, column in columns.items() if not name.endswith("ImageName")}


@pytest.fixture
def star(tmp_path: Path) -> Path:
    return write_many(tmp_path, COUNT)


def test_text_is_the_same_behind_a_measurement_file(star: Path, tmp_path: Path) -> None:
    numbers = [NUMBERS[i % len(NUMBERS)] for i in range(COUNT)]
    zeros = [f"{i}.{i % 7:06d}" for i in range(COUNT)]
    path = with_columns(
        star,
        {"rlnMicrographName": VALUES, "rlnComment": VALUES, "rlnHelicalTrackLength": numbers, "rlnCtfMaxResolution": zeros},
    )
    cryosense("measure", path, f"output={tmp_path}/a.cryo.h5", "design=full", "quantiser=sign")
    words = ("reconstructor=pinv", "scores.lpips=null", "draw_example=false", f"output_dir={tmp_path}/out")
    cryosense("reconstruct", f"data.path={tmp_path}/a.cryo.h5", *words)
    (made,) = (tmp_path / "out").glob("*/particles.star")
    assert text(made) == text(path)


def test_columns_that_are_not_used_are_named(star: Path, tmp_path: Path) -> None:
    words = ("design=full", "quantiser=sign")
    assert "not used" not in cryosense("measure", star, f"output={tmp_path}/a.cryo.h5", *words)
    columns = {"rlnNormCorrection": "1.5", "rlnPhaseShift": "0", "rlnBeamTiltX": "0.5", "rlnBeamTiltY": "0.0"}
    path = with_columns(star, {name: [value] * COUNT for name, value in columns.items()})
    heard = cryosense("measure", path, f"output={tmp_path}/b.cryo.h5", *words)
    assert "cryosense measure: not used, kept in the file: rlnBeamTiltX, rlnNormCorrection\n" in heard


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("rlnDefocusU", "nan"),
        ("rlnAngleTilt", "inf"),
        ("rlnOriginYAngst", "none"),
        ("rlnRandomSubset", "3"),
        ("rlnVoltage", "300000"),
        ("rlnCtfDataArePhaseFlipped", "2"),
        ("rlnCtfBfactor", "-1e9"),
        ("rlnImagePixelSize", "5"),
    ],
)
def test_what_other_verbs_would_refuse_is_refused_before_the_work(star: Path, tmp_path: Path, column: str, value: str) -> None:
    kept = {name: block.table() for name, block in read_blocks(star).items()}
    table = next((each for each in kept.values() if column in each), kept["particles"])
    before = table[column] if column in table else ["0"] * len(table)
    table[column] = [*list(before)[:-1], value]
    if column == "rlnImagePixelSize":  # of one group, with a particle in each of two
        kept["optics"] = kept["optics"].loc[[0, 0]].assign(rlnOpticsGroup=["1", "2"], rlnImagePixelSize=["4", value])
        kept["particles"]["rlnOpticsGroup"] = ["2", *["1"] * (COUNT - 1)]
    path = star.with_name("changed.star")
    path.write_text("".join(star_text(kept)), encoding="utf-8")
    said = cryosense("measure", path, f"output={tmp_path}/a.cryo.h5", "quantiser=sign", fails=True)
    assert said.startswith(f"cryosense measure: {path}")
    assert ("different pixel size" if column == "rlnImagePixelSize" else column) in said
    assert not list(tmp_path.glob("a.cryo.h5*"))
