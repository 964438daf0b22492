"""What a run says of how it was made."""

import json
import subprocess
from pathlib import Path

import torch

from cryosense.runs import provenance
from cryosense.runs.provenance import FILE, begin_session, end_session, gather_sessions, sessions, surroundings


def test_a_run_that_was_killed_and_went_on_has_two_sessions(tmp_path: Path) -> None:
    begin_session(tmp_path)
    begin_session(tmp_path)
    end_session(tmp_path)
    killed, last = sessions(tmp_path)
    assert killed["ended"] is None
    assert killed["started"] <= last["started"] <= last["ended"]
    assert last["versions"]["torch"] == torch.__version__.split("+")[0]
    assert last["threads"] == torch.get_num_threads()


def test_sessions_of_shards_are_in_front_of_those_of_the_run_once(tmp_path: Path) -> None:
    """Also where one of them ended after they were gathered first, or the run went on in another session."""
    run, *parts = (tmp_path / name for name in ("run", "0", "1"))
    for number, part in enumerate(parts):
        part.mkdir()
        (part / FILE).write_text(json.dumps([{"started": f"0{number}", "ended": None}]))
    run.mkdir()
    (run / FILE).write_text('[{"started": "2", "ended": null}]')
    gather_sessions(run, parts)
    (parts[1] / FILE).write_text('[{"started": "01", "ended": "3"}]')
    begin_session(run)
    gather_sessions(run, parts)
    *before, last = sessions(run)
    assert [(each["started"], each["ended"]) for each in before] == [("00", None), ("01", "3"), ("2", None)]
    assert last["python"]


def test_a_record_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    assert sessions(tmp_path) == []
    for text in ("{", "3", '["a"]'):
        (tmp_path / FILE).write_text(text)
        assert sessions(tmp_path) == []


def test_the_commit_is_that_of_the_packages_own_checkout(tmp_path: Path) -> None:
    assert provenance._commit(tmp_path) is None
    (tmp_path / ".git").mkdir()
    assert provenance._commit(tmp_path) is None
    (tmp_path / ".git").rmdir()
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / "file").write_text("1")
    subprocess.run([*git, "add", "file"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "m"], check=True)
    commit = provenance._commit(tmp_path)
    assert commit is not None
    assert len(commit) == 40
    (tmp_path / "file").write_text("2")
    assert provenance._commit(tmp_path) == f"{commit} + changes"


def test_it_names_no_machine() -> None:
    text = json.dumps(surroundings())
    assert str(Path.home()) not in text
    assert {"commit", "python", "versions", "system", "processor", "cores", "threads", "accelerators"} == set(surroundings())
