"""A run belongs to the user's own packages as they were, too: those that it calls, and those that its scores come from."""

import importlib
from pathlib import Path

import pytest

from cryosense.errors import RunDirectoryError
from cryosense.runs import own_code as module
from cryosense.runs.own_code import own_code
from cryosense.runs.record import Kind
from cryosense.runs.run_directory import RunDirectory

CALLS = "operator:\n  make:\n    _target_: lab_of_tests.parts.Binning\n    _partial_: true\n"


def forget() -> None:
    """As in another process."""
    importlib.invalidate_caches()
    for cached in (module._place, module._version):
        cached.cache_clear()


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    package = tmp_path / "packages" / "lab_of_tests"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "parts.py").write_text("SCALE = 4\n")
    monkeypatch.syspath_prepend(str(package.parent))
    forget()
    return package / "parts.py"


def test_an_edited_operator_makes_another_run(parts: Path, tmp_path: Path) -> None:
    kind, run = Kind(results=("table.csv",)), tmp_path / "run"

    def make() -> None:
        with RunDirectory.open(run, CALLS, "data", kind) as directory:
            assert not directory.done
            (run / "table.csv").write_text("1\n")
            directory.finish({})

    make()
    forget()
    assert RunDirectory.is_done(run, CALLS, "data", kind)
    parts.write_text("SCALE = 5\n")
    forget()
    with pytest.raises(RunDirectoryError, match=r"is of other code .*lab_of_tests"):
        make()


def test_what_is_told(parts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert own_code(CALLS).startswith(", lab_of_tests ")
    assert own_code("operator:\n  _target_: cryosense.measurement.PixelDesign\n") == ""
    assert own_code("a:\n  _target_: no_such_package.Thing\nb:\n  _target_: __main__.Thing\n") == ""
    monkeypatch.setattr(module, "MOST_FILES", 1)
    forget()
    assert own_code(CALLS) == ", lab_of_tests of no installed package"
    forget()


def test_scores_count_where_there_are_scores(parts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_scoring", lambda: frozenset({"lab_of_tests"}))
    assert own_code("scores:\n  _target_: cryosense.metrics.Scores\n").startswith(", lab_of_tests ")
    assert own_code("output: particles.cryo.h5\n") == ""
