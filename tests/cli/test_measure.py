"""``cryosense measure`` and ``cryosense inspect``, through their command lines."""

import subprocess
import sys
from pathlib import Path

import pytest

from cryosense.measurement.file import MeasurementFile
from tests.measurement.file.stacks import write_many


def cryosense(*words: object, fails: bool = False) -> str:
    done = subprocess.run(
        [sys.executable, "-c", "from cryosense.cli.main import main; raise SystemExit(main())", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode != 0) == fails, done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def star(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_many(tmp_path_factory.mktemp("stack"), 100)


def test_a_stack_becomes_a_file_that_says_what_it_is(star: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.cryo.h5"
    words = ("measure", star, f"output={path}", "operator=fourier", "operator/masks=uniform", "quantiser=sign")
    assert "100 particles" in cryosense(*words)
    before = path.read_bytes()
    assert "100 particles" in cryosense(*words)
    assert path.read_bytes() == before
    file = MeasurementFile.open(path)
    assert (len(file), file.design.domain, file.design.family, file.quantiser.name) == (100, "fourier", "uniform", "sign")
    said = cryosense("inspect", path)
    for fact in ("100, 16 px of 4 Å", "uniform", "sign", "all good", "asked", "to float16"):
        assert fact in said
    assert path.with_name("a.cryo.h5.png").stat().st_size > 1000


def test_input_that_cannot_be_used_is_refused_in_a_line(star: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.cryo.h5"
    cryosense("measure", star, f"output={path}", "particles=70")
    assert "another configuration" in cryosense("measure", star, f"output={path}", fails=True)
    assert "cannot be stored" in cryosense("measure", star, f"output={tmp_path}/b.cryo.h5", "quantiser=identity", fails=True)
    assert "is named *.cryo.h5" in cryosense("measure", star, "output=b.h5", fails=True)
    assert "no measurement file" in cryosense("inspect", star, fails=True)
    assert "the file holds 70" in cryosense("inspect", path, "particle=70", fails=True)
