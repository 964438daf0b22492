"""The life of a run's directory: held by one, done when all is there, else made again, refused where it is another's."""

import json
import os
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from cryosense.errors import BusyError, RunDirectoryError, UnfinishedRunError
from cryosense.runs import code
from cryosense.runs.inputs import stamps
from cryosense.runs.lock import LOCK, locked
from cryosense.runs.processes import whoami
from cryosense.runs.provenance import sessions
from cryosense.runs.record import Kind
from cryosense.runs.run_directory import RunDirectory

KIND = Kind(results=("table.csv",), optional=("*.mrcs",), scratch=("parts",), beside=("log.txt",))


def opened(directory: Path, fingerprint: str = "data") -> AbstractContextManager[RunDirectory]:
    return RunDirectory.open(directory, "a: 1\n", fingerprint, KIND)


def make(directory: Path, text: str = "1\n", *, identity: str = "a: 1\n", rerun: str | None = None) -> bool:
    """-> whether there was anything to do."""
    with RunDirectory.open(directory, identity, "data", KIND, rerun=rerun) as run:
        if run.done:
            return False
        (directory / "parts").mkdir()
        (directory / "table.csv").write_text(text)
        (directory / "one.mrcs").write_text("images")
        run.finish({"particles": 1})
    return True


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def other_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Kind, "code", property(lambda kind: "cryosense 9, sources other"))


def test_made_once(tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert make(run)
    assert not make(run, "2\n")
    assert (run / "table.csv").read_text() == "1\n"
    assert json.loads((run / "done.json").read_text()) == {"particles": 1, "files": {"table.csv": 2, "one.mrcs": 6}}
    of_all = {"code.txt", "config.yaml", "data.txt", "done.json", "provenance.json"}
    assert names(run) == {"table.csv", "one.mrcs"} | of_all
    assert [session["ended"] is not None for session in sessions(run)] == [True]


@pytest.mark.parametrize("inner", ["", "inner", "inner/run"])
def test_a_path_through_a_file_is_refused_in_words(tmp_path: Path, inner: str) -> None:
    (tmp_path / "particles.star").write_text("mine")
    with pytest.raises(RunDirectoryError, match=r"particles\.star is not a folder: choose another output_dir"):
        make(tmp_path / "particles.star" / inner)
    assert (tmp_path / "particles.star").read_text() == "mine"


@pytest.mark.parametrize("name", ["table.csv", "one.mrcs"])
@pytest.mark.parametrize("cut", [True, False])
def test_what_is_missing_or_cut_is_made_again(tmp_path: Path, name: str, cut: bool, caplog: pytest.LogCaptureFixture) -> None:
    make(tmp_path / "run")
    path = tmp_path / "run" / name
    path.write_text("") if cut else path.unlink()
    assert make(tmp_path / "run")
    assert f"{name} not there, or not as it was made" in caplog.text
    assert path.stat().st_size > 0
    assert not make(tmp_path / "run")


def test_a_run_without_its_results_is_not_done(tmp_path: Path) -> None:
    with opened(tmp_path) as run:
        (tmp_path / "one.mrcs").touch()
        with pytest.raises(UnfinishedRunError, match=r"table\.csv"):
            run.finish({})
    assert not (tmp_path / "done.json").exists()


def test_others_are_told_who_is_at_work(tmp_path: Path) -> None:
    with RunDirectory.open(tmp_path, "a", "data", KIND):
        with (
            pytest.raises(BusyError, match=f"process {os.getpid()} is at work"),
            RunDirectory.open(tmp_path, "a", "data", KIND),
        ):
            pass
        assert LOCK in names(tmp_path)
    assert LOCK not in names(tmp_path)


def test_what_one_that_was_killed_when_all_was_done_has_left_is_removed(tmp_path: Path) -> None:
    make(tmp_path)
    of_a_run = names(tmp_path)
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    dead = json.dumps(whoami() | {"pid": process.pid})
    for left in (LOCK, f".{LOCK}.host.1.2"):
        (tmp_path / left).write_text(dead)
        assert not make(tmp_path)
        assert names(tmp_path) == of_a_run
    with locked(tmp_path / LOCK):
        assert not make(tmp_path)
        assert names(tmp_path) == of_a_run | {LOCK}


def test_other_runs_and_files_of_unknown_origin_are_left_alone(tmp_path: Path) -> None:
    make(tmp_path / "run")
    before = {path: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    with pytest.raises(RunDirectoryError, match="another configuration"):
        make(tmp_path / "run", identity="a: 2\n")
    with pytest.raises(RunDirectoryError, match="other images"), opened(tmp_path / "run", "else"):
        pass
    assert {path: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before
    (tmp_path / "table.csv").write_text("somebody's")
    with pytest.raises(RunDirectoryError, match=r"holds table\.csv but no config\.yaml"):
        make(tmp_path)
    assert (tmp_path / "table.csv").read_text() == "somebody's"


def test_what_is_refused_before_any_work_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no"), opened(tmp_path / "in" / "run"):
        raise ValueError("no")
    assert names(tmp_path) == set()


@pytest.mark.parametrize("finished", [True, False])
def test_other_code_is_never_gone_on_with_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, finished: bool
) -> None:
    run = tmp_path / "run"
    make(run)
    (run / "beside.txt").write_text("somebody's")
    if not finished:
        (run / "done.json").unlink()
    other_code(monkeypatch)
    with pytest.raises(RunDirectoryError, match=r"is of other code .*rerun=changed makes it again, rerun=never keeps it"):
        make(run, "2\n")
    assert make(run, "2\n", rerun="never") != finished
    assert "is of other code (cryosense" in caplog.text
    assert ": kept" in caplog.text
    (run / "code.txt").write_text("cryosense 8\n")
    assert make(run, "3\n", rerun="changed")
    assert (run / "table.csv").read_text() == "3\n"
    assert names(run) >= {"beside.txt", "done.json"}
    assert not make(run, "4\n")


def test_the_version_of_the_code_is_that_of_what_makes_numbers() -> None:
    assert {"operators", "volumes", "fourier", "tasks", "data"} <= set(code.number_rooms())
    assert not {"cli", "reporting", "runs"} & set(code.number_rooms())
    assert code.code_version(["fourier"]) != code.code_version(["fourier", "seeding"])


def test_an_input_that_is_replaced_on_the_way_is_not_counted(tmp_path: Path) -> None:
    image, run = tmp_path / "image", tmp_path / "run"
    image.write_text("one")

    def make_while_it_is_replaced() -> None:
        with RunDirectory.open(run, "a", "data", KIND, inputs=stamps([image])) as held:
            (run / "table.csv").write_text("made of one")
            image.write_text("two and more")
            held.finish({})

    with pytest.raises(RunDirectoryError, match="image was changed while"):
        make_while_it_is_replaced()
    assert not run.exists()
