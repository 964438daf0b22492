"""Workers of joblib import what a command does, and end with the process that started them, given work or not."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

LEADER = """
import time
from joblib import Parallel, delayed
from cryosense.cli.workers import lead_workers
lead_workers("reconstruct")
Parallel(n_jobs=2, backend="loky", pre_dispatch=1)(delayed(time.sleep)(seconds) for seconds in (60,))
"""

STOPPED = """
import os, signal, sys, threading, time
from pathlib import Path
from joblib import Parallel, delayed
from cryosense.cli.workers import lead_workers
from cryosense.runs.lock import remove_dead
lock = Path(sys.argv[1])
hold = f"from cryosense.runs.lock import *\\nwith locked(Path({str(lock)!r})): time.sleep(60)"
lead_workers("reconstruct", lambda: (print(lock.is_file()), remove_dead(lock), print(lock.is_file(), flush=True)))

def stop():
    while not lock.is_file():
        time.sleep(0.02)
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=stop, daemon=True).start()
Parallel(n_jobs=2, backend="loky")([delayed(exec)(hold)])
"""

BEGUN = """
import sys
from joblib import Parallel, delayed
from cryosense.cli.workers import lead_workers
lead_workers("reconstruct")
loaded = "sorted({'cryosense.cli.reconstruct', 'torch', 'torch._decomp'} & set(__import__('sys').modules))"
print(*Parallel(n_jobs=2, backend="loky")([delayed(eval)(loaded)]))
"""


def workers_of(session: int) -> list[str]:
    """-> command lines of the processes of a session that loky started to work."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state = path.read_text().rpartition(")")[2].split()
            if int(state[3]) == session and state[0] not in "ZX":
                found.append((path.parent / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return [line for line in found if "LokyProcess" in line]


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are listed in /proc")
def test_idle_workers_end_with_their_leader() -> None:
    pytest.importorskip("joblib")
    with subprocess.Popen([sys.executable, "-c", LEADER], start_new_session=True) as leader:
        try:
            while len(workers_of(leader.pid)) < 2:
                assert leader.poll() is None
                time.sleep(0.05)
        finally:
            leader.kill()
    deadline = time.time() + 30
    while workers_of(leader.pid) and time.time() < deadline:
        time.sleep(0.1)
    assert not workers_of(leader.pid)


def test_workers_import_what_a_command_imports() -> None:
    pytest.importorskip("joblib")
    said = subprocess.run([sys.executable, "-c", BEGUN], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "['cryosense.cli.reconstruct', 'torch']"


def test_locks_of_workers_that_were_killed_can_be_removed_when_their_leader_is_stopped(tmp_path: Path) -> None:
    pytest.importorskip("joblib")
    words = [sys.executable, "-c", STOPPED, str(tmp_path / "lock.json")]
    assert subprocess.run(words, capture_output=True, text=True, check=False, timeout=300).stdout.split() == ["True", "False"]
