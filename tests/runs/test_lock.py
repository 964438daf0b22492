"""Locks: one holder at a time, the dead give way, the living do not."""

import contextlib
import errno
import itertools
import json
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from cryosense.runs import lock as module
from cryosense.runs import processes
from cryosense.runs.lock import BusyError, locked, locked_in_turn, remove_dead

HOURS, LOCK = 1.0, "run.lock"
TraceFunction = Callable[[FrameType, str, Any], Any]


def write_lock(directory: Path, **change: object) -> Path:
    holder = {"host": processes.HOST, "pid": os.getpid(), "started": processes.whoami()["started"], "time": "then"}
    directory.mkdir(parents=True, exist_ok=True)
    (directory / LOCK).write_text(json.dumps(holder | change))
    return directory / LOCK


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_held_once_and_nothing_is_left(tmp_path: Path) -> None:
    directory = tmp_path / "outputs" / "run"
    with locked(directory / LOCK, HOURS):
        assert json.loads((directory / LOCK).read_text())["pid"] == os.getpid()
        with pytest.raises(BusyError, match=f"process {os.getpid()} is at work"), locked(directory / LOCK, HOURS):
            pass
        assert (directory / LOCK).is_file()
    assert not (tmp_path / "outputs").exists()


def test_a_signal_between_any_two_steps_leaves_nothing(tmp_path: Path) -> None:
    """Taking and giving back are interrupted before the first line of theirs, before the second, and so on."""
    of_these = {module.__file__, contextlib.__file__}
    for moment in itertools.count():
        steps = iter(range(moment))

        def trace(frame: FrameType, event: str, argument: object, steps: Iterator[int] = steps) -> TraceFunction | None:
            if frame.f_code.co_filename in of_these and event == "line" and next(steps, None) is None:
                raise KeyboardInterrupt
            return trace if frame.f_code.co_filename in of_these else None

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            with locked(tmp_path / "outputs" / LOCK, HOURS):
                pass
        except KeyboardInterrupt:
            sys.settrace(before)
            module.release_all()
        else:
            sys.settrace(before)
            break
        assert list(tmp_path.iterdir()) == []
    assert moment > 30


def test_what_was_written_stays(tmp_path: Path) -> None:
    with locked(tmp_path / "run" / LOCK, HOURS):
        (tmp_path / "run" / "rows").touch()
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["rows"]


def test_the_dead_give_way_at_once_and_others_of_the_same_number_are_not_them(tmp_path: Path) -> None:
    for change in ({"pid": dead_process()}, {"started": "not when this process began"}):
        before = write_lock(tmp_path, **change).read_text()
        with locked(tmp_path / LOCK, HOURS):
            held = (tmp_path / LOCK).read_text()
        assert held != before
        assert json.loads(held)["pid"] == os.getpid()
        assert list(tmp_path.iterdir()) == []


def test_what_the_dead_had_not_yet_made_their_lock_is_removed(tmp_path: Path) -> None:
    def left(name: str, **change: object) -> Path:
        return write_lock(tmp_path, **change).replace(tmp_path / f".{LOCK}.{name}")

    dead, alive = left("dead", pid=dead_process()), left("alive")
    elsewhere, old = left("elsewhere", host="elsewhere"), left("old", host="elsewhere")
    cut, empty = tmp_path / f".{LOCK}.cut", tmp_path / f".{LOCK}.empty"
    cut.write_bytes(b'{"host\xff')
    empty.touch()
    for path in (old, cut):
        os.utime(path, (1, 1))
    with locked(tmp_path / LOCK, HOURS):
        pass
    assert {path.name for path in tmp_path.iterdir()} == {alive.name, elsewhere.name, empty.name}
    assert not dead.exists()


def test_another_host_gives_way_after_the_stated_time(tmp_path: Path) -> None:
    lock = write_lock(tmp_path, host="elsewhere", pid=1)
    with pytest.raises(BusyError, match="process 1 on elsewhere"), locked(tmp_path / LOCK, HOURS):
        pass
    os.utime(lock, (0, time.time() - 3600 * HOURS - 1))
    with locked(tmp_path / LOCK, HOURS):
        pass


@pytest.mark.parametrize("text", ["", '{"host": "he', "[]", '{"host": "here", "pid": "x", "started": null}'])
def test_a_lock_that_was_cut_short_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Locks appear whole: one that cannot be read is of a disk that was full, and in nobody's hands."""
    (tmp_path / LOCK).write_text(text)
    monkeypatch.setattr(module, "UNREADABLE_SECONDS", 0.2)
    with locked(tmp_path / LOCK, HOURS):
        assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_leaves_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, text: str) -> None:
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", full)
        with pytest.raises(OSError, match="No space left"), locked(tmp_path / "run" / LOCK, HOURS):
            pass
    assert list(tmp_path.iterdir()) == []


def test_who_was_refused_removes_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even one whose file has the number that its own had, as file systems use numbers again at once."""
    with locked(tmp_path / LOCK, HOURS):
        monkeypatch.setattr("os.path.samestat", lambda *_: True)
        with pytest.raises(BusyError), locked(tmp_path / LOCK, HOURS):
            pass
        assert (tmp_path / LOCK).is_file()


def test_a_folder_that_takes_no_lock_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(path: Path, *_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", read_only)
        patched.setattr(Path, "unlink", read_only)
        with pytest.raises(OSError, match="Read-only") as told, locked(tmp_path / ".table.csv.lock", HOURS):
            pass
    assert told.value.filename == str(tmp_path)


def test_a_killed_process_that_nobody_has_waited_for_holds_nothing(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    write_lock(tmp_path, pid=process.pid, started=processes._started(process.pid))
    with pytest.raises(BusyError), locked(tmp_path / LOCK, HOURS):
        pass
    process.kill()
    deadline = time.time() + 10
    while processes._state(process.pid)[0] != "Z":
        assert time.time() < deadline
        time.sleep(0.01)
    with locked(tmp_path / LOCK, HOURS):
        pass
    process.communicate()


def compete(directory: Path, times: int, start: float) -> int:
    """-> how often this process held the directory, in which no other may be at that time: as often as it was asked to."""
    held = 0
    time.sleep(max(0.0, start - time.time()))
    while held < times and time.time() < start + 60:
        try:
            with locked(directory / LOCK, HOURS):
                (directory / "inside").touch(exist_ok=False)
                (directory / "inside").unlink()
                held += 1
        except BusyError:
            time.sleep(0.001)
        else:
            write_lock_if_free(directory)
    return held


def write_lock_if_free(directory: Path) -> None:
    """Leave the lock of a dead process behind, for all to find at once."""
    try:
        with (directory / LOCK).open("x") as file:
            json.dump({"host": processes.HOST, "pid": 2**22 + 1, "started": None, "time": "then"}, file)
    except FileExistsError:
        pass


def test_of_many_processes_that_find_a_dead_lock_one_takes_it(tmp_path: Path) -> None:
    write_lock(tmp_path, pid=dead_process())
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        held = pool.starmap(compete, [(tmp_path, 15, time.time() + 1.0)] * 4)
    assert held == [15] * 4


def test_waiting_for_a_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = write_lock(tmp_path)
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        lock.unlink()

    monkeypatch.setattr(module.time, "sleep", sleep)
    with locked_in_turn(tmp_path / LOCK, HOURS):
        assert waited == [module.WAITING_SECONDS]


def test_a_sign_of_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TOUCH_SECONDS", 0.01)
    with locked(tmp_path / LOCK, HOURS):
        os.utime(tmp_path / LOCK, (0, 0))
        deadline = time.time() + 10
        while (tmp_path / LOCK).stat().st_mtime == 0:
            assert time.time() < deadline
            time.sleep(0.01)


@pytest.mark.parametrize("change", [{}, {"host": "elsewhere"}])
def test_of_locks_only_those_of_the_dead_here_are_removed(change: dict[str, object], tmp_path: Path) -> None:
    lock = write_lock(tmp_path, **change)
    remove_dead(lock)
    assert lock.is_file()
    lock = write_lock(tmp_path, pid=dead_process())
    remove_dead(lock)
    assert not lock.exists()
    remove_dead(lock)
