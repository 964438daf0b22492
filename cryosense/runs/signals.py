"""Processes that end in order when they are told to, and with the process that started them."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from cryosense.runs.lock import release_all
from cryosense.runs.processes import is_alive, whoami

STARTED_BY = "CRYOSENSE_PROCESS"  # environment variable: the process that workers were started by, as locks name theirs
WATCH_SECONDS = 0.5
GRACE_SECONDS = 3.0


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the block as Ctrl-C does, releasing what it holds. Status: 128 + the signal."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    unheeded = [each for each in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(each) is signal.SIG_DFL]
    for each in unheeded:
        signal.signal(each, _end)
    try:
        yield
    finally:
        for each in unheeded:
            signal.signal(each, signal.SIG_DFL)


def _end(number: int, frame: FrameType | None) -> None:
    del frame
    raise SystemExit(128 + number)


def lead() -> None:
    """Tell workers that this process starts for whom they work, and whom not to outlive."""
    os.environ[STARTED_BY] = json.dumps(whoami())


def follow() -> None:
    """End this worker when the process that called ``lead`` has ended, in order or after some seconds."""
    leader = _leader()
    if leader is None or leader["pid"] == os.getpid() or any(t.name == STARTED_BY for t in threading.enumerate()):
        return
    if not is_alive(leader["pid"], leader["started"]):  # it was killed while this one was loading its libraries
        os._exit(128 + signal.SIGTERM)
    threading.Thread(target=_watch, args=(leader["pid"], leader["started"]), name=STARTED_BY, daemon=True).start()


def _leader() -> dict[str, Any] | None:
    try:
        leader = json.loads(os.environ[STARTED_BY])
        here = leader["host"] == whoami()["host"] and isinstance(leader["pid"], int) and "started" in leader
        return leader if here else None
    except (KeyError, TypeError, ValueError):
        return None


def _watch(pid: int, started: str | None) -> None:
    while is_alive(pid, started):
        time.sleep(WATCH_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    release_all()  # the main thread is in one long operation still, and has not seen the signal
    os._exit(128 + signal.SIGTERM)
