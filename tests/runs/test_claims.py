"""Claims: one holder at a time, the dead give way, the living do not."""

import json
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cryosense.runs import claims
from cryosense.runs.claims import CLAIM, BusyError, claimed, claimed_in_turn

HOURS = 1.0


def write_claim(directory: Path, **change: object) -> Path:
    holder = {"host": claims.HOST, "pid": os.getpid(), "started": claims._started(os.getpid()), "time": "then"}
    directory.mkdir(parents=True, exist_ok=True)
    (directory / CLAIM).write_text(json.dumps(holder | change))
    return directory / CLAIM


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_held_once_and_nothing_is_left(tmp_path: Path) -> None:
    directory = tmp_path / "outputs" / "run"
    with claimed(directory, HOURS):
        assert json.loads((directory / CLAIM).read_text())["pid"] == os.getpid()
        with pytest.raises(BusyError, match=f"process {os.getpid()} is at work"), claimed(directory, HOURS):
            pass
        assert (directory / CLAIM).is_file()
    assert not (tmp_path / "outputs").exists()


def test_what_was_written_stays(tmp_path: Path) -> None:
    with claimed(tmp_path / "run", HOURS):
        (tmp_path / "run" / "rows").touch()
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["rows"]


def test_the_dead_give_way_at_once_and_others_of_the_same_number_are_not_them(tmp_path: Path) -> None:
    write_claim(tmp_path, pid=dead_process())
    with claimed(tmp_path, HOURS):
        pass
    write_claim(tmp_path, started="not when this process began")
    with claimed(tmp_path, HOURS):
        pass


def test_another_host_gives_way_after_the_stated_time(tmp_path: Path) -> None:
    claim = write_claim(tmp_path, host="elsewhere", pid=1)
    with pytest.raises(BusyError, match="process 1 on elsewhere"), claimed(tmp_path, HOURS):
        pass
    os.utime(claim, (0, time.time() - 3600 * HOURS - 1))
    with claimed(tmp_path, HOURS):
        pass


def test_a_claim_that_is_being_written_is_respected_for_a_while(tmp_path: Path) -> None:
    (tmp_path / CLAIM).touch()
    with pytest.raises(BusyError, match="just begun"), claimed(tmp_path, HOURS):
        pass
    os.utime(tmp_path / CLAIM, (0, time.time() - 2 * claims.WRITING_SECONDS))
    with claimed(tmp_path, HOURS):
        pass


def compete(directory: Path, times: int, start: float) -> int:
    """-> how often this process held the directory, in which no other may be at that time: as often as it was asked to."""
    held = 0
    time.sleep(max(0.0, start - time.time()))
    while held < times and time.time() < start + 60:
        try:
            with claimed(directory, HOURS):
                (directory / "inside").touch(exist_ok=False)
                (directory / "inside").unlink()
                held += 1
        except BusyError:
            time.sleep(0.001)
        else:
            write_claim_if_free(directory)
    return held


def write_claim_if_free(directory: Path) -> None:
    """Leave the claim of a dead process behind, for all to find at once."""
    try:
        with (directory / CLAIM).open("x") as file:
            json.dump({"host": claims.HOST, "pid": 2**22 + 1, "started": None, "time": "then"}, file)
    except FileExistsError:
        pass


def test_of_many_processes_that_find_a_dead_claim_one_takes_it(tmp_path: Path) -> None:
    write_claim(tmp_path, pid=dead_process())
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        held = pool.starmap(compete, [(tmp_path, 15, time.time() + 1.0)] * 4)
    assert held == [15] * 4


def test_waiting_for_a_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    claim = write_claim(tmp_path)
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        claim.unlink()

    monkeypatch.setattr(claims.time, "sleep", sleep)
    with claimed_in_turn(tmp_path, HOURS):
        assert waited == [claims.WAITING_SECONDS]


def test_a_sign_of_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "TOUCH_SECONDS", 0.01)
    with claimed(tmp_path, HOURS):
        os.utime(tmp_path / CLAIM, (0, 0))
        deadline = time.time() + 10
        while (tmp_path / CLAIM).stat().st_mtime == 0:
            assert time.time() < deadline
            time.sleep(0.01)
