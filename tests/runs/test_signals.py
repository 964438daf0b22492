"""Workers end with the process that they work for, however early that dies."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cryosense.runs.signals import STARTED_BY

LEADER = "import json; from cryosense.runs.processes import whoami; print(json.dumps(whoami()), flush=True); input()"
HOLDER = """
import signal, sys, threading
from pathlib import Path
from cryosense.runs.lock import locked
from cryosense.runs.signals import ending_in_order, follow
follow()
with ending_in_order(), locked(Path(sys.argv[1])):
    print("works", flush=True)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])  # as in one long operation, which no signal ends
    threading.Event().wait(60)
"""
WORKER = "import time; from cryosense.runs.signals import follow; follow(); print('works', flush=True); time.sleep(60)"


@contextmanager
def started(code: str, leader: object = None, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A process, killed at the end, that works for another."""
    environment = os.environ | {STARTED_BY: json.dumps(leader)}
    command = [sys.executable, "-c", code, *words]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_a_worker_ends_with_its_leader_and_does_nothing_when_it_has_gone() -> None:
    with started(LEADER) as leader:
        who = json.loads(said(leader))
        with started(WORKER, who) as worker:
            assert said(worker) == "works\n"
            leader.kill()  # not waited for: what is left of a process that was killed is no process
            assert worker.wait(30) != 0
        with started(WORKER, who) as late:
            assert said(late) == ""


def test_a_worker_that_sees_no_signal_leaves_no_lock(tmp_path: Path) -> None:
    with started(LEADER) as leader:
        who = json.loads(said(leader))
        with started(HOLDER, who, str(tmp_path / "run" / "lock.json")) as worker:
            assert said(worker) == "works\n"
            assert (tmp_path / "run" / "lock.json").is_file()
            leader.kill()
            assert worker.wait(30) != 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("other", [{"host": "elsewhere", "pid": 2**22 + 1, "started": "1"}, {"pid": 1}, {}, 7, None])
def test_others_are_not_followed(other: object) -> None:
    with started(WORKER, other) as process:
        assert said(process) == "works\n"


def test_a_process_does_not_follow_itself() -> None:
    with started(f"from cryosense.runs.signals import lead; lead(); {WORKER}") as process:
        assert said(process) == "works\n"
        time.sleep(1)
        assert process.poll() is None
