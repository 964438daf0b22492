"""``cryosense measure`` and ``cryosense inspect``, through their command lines."""

import io
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from cryosense.cli.main import main
from cryosense.measurement.file import MeasurementFile
from tests.measurement.file.stacks import write_many


def cryosense(*words: object, fails: bool = False) -> str:
    """Run a command line in this process. -> what it says."""
    said, status = io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said), redirect_stderr(said):
        patch.setattr("sys.argv", ["cryosense", *map(str, words)])
        try:
            status = main()
        except SystemExit as exit_:
            status = exit_.code or 0
            said.write(str(exit_))
    assert (status != 0) == fails, said.getvalue()
    return said.getvalue()


@pytest.fixture(scope="module")
def star(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_many(tmp_path_factory.mktemp("stack"), 100)


def test_a_stack_becomes_a_file_that_says_what_it_is(star: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.cryo.h5"
    words = ("measure", star, f"output={path}", "operator=fourier", "operator/masks=uniform", "quantiser=sign")
    assert "100 particles" in cryosense(*words)
    before = path.read_bytes()
    left = path.with_name("a.cryo.h5.parts")  # of one that was killed when the file was made
    left.mkdir()
    (left / "config.yaml").write_text("a: 1")
    assert "100 particles" in cryosense(*words)
    assert path.read_bytes() == before
    assert not left.exists()
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
    assert "is compressed already" in cryosense("measure", path, f"output={tmp_path}/c.cryo.h5", fails=True)
    assert "not a measurement file" in cryosense("inspect", star, fails=True)
    assert "the file holds 70" in cryosense("inspect", path, "particle=70", fails=True)
