"""How processes end: by a signal at some moment, at a renaming, and what they leave at work."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from tests.kills.trials import WAITING_SECONDS, ended

ORPHANS_SECONDS = 30.0  # a worker that is loading its libraries sees when they are there that it has no one to work for


def end_at(pid: int, written: Path, seconds: float, how: signal.Signals) -> int:
    """Send a signal to a process, and to none that it has started, so long after ``written`` is there. -> its status."""
    while not written.exists() and os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        time.sleep(WAITING_SECONDS)
    time.sleep(seconds)
    os.kill(pid, how)  # not waited for yet: the number is still its own
    return ended(pid)


def orphans(session: int) -> list[int]:
    """-> processes of a session that are still at work some seconds after its first has ended. They are killed."""
    deadline = time.time() + ORPHANS_SECONDS
    while (left := _of_session(session)) and time.time() < deadline:
        time.sleep(0.1)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    return left


def _of_session(session: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(state[3]) == session and state[0] not in "ZX":
            found.append(int(path.parent.name))
    return found


def dying_at(moment: int, *, after: bool) -> Callable[[], None]:
    """-> what makes a process kill itself at its n-th renaming of a file, counted from 0, or directly after it."""

    def patch() -> None:
        seen = -1
        for name in ("rename", "replace", "link"):
            real = getattr(os, name)

            def renaming(*arguments: object, real: Callable[..., None] = real, **others: object) -> None:
                nonlocal seen
                seen += 1
                if seen == moment and not after:
                    os.kill(os.getpid(), signal.SIGKILL)
                real(*arguments, **others)
                if seen == moment:
                    os.kill(os.getpid(), signal.SIGKILL)

            setattr(os, name, renaming)

    return patch
