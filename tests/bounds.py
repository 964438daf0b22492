"""Work in a process of its own that may take neither long nor much memory: what it said, and what it took."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

MOST_SECONDS, MOST_MEGABYTES = 10, 300
HANGS_SECONDS = 120  # by the clock, whatever else the machine does
PROTECTION_BYTES = 2**32  # so that a bomb goes off in its own process alone


@dataclass(frozen=True)
class Outcome:
    """What a function returned as text, or the error that it raised, with megabytes of memory beyond those at its start."""

    said: str
    error: str | None
    megabytes: float


def bounded(work: Callable[[], object]) -> Outcome:
    """Run it. Fails where it takes more than ten seconds of a processor or 300 MB, waits for ever, or dies."""
    mine, theirs = multiprocessing.get_context("fork").Pipe()
    process = multiprocessing.get_context("fork").Process(target=_child, args=(work, theirs))
    process.start()
    theirs.close()
    try:
        outcome: Outcome = mine.recv()
    except EOFError:
        process.join()
        code = process.exitcode or 0
        raise AssertionError(f"died of {signal.Signals(-code).name if code < 0 else code}") from None
    process.join()
    assert outcome.megabytes < MOST_MEGABYTES, outcome
    return outcome


def _child(work: Callable[[], object], pipe: Connection) -> None:
    used = _kilobytes("VmData") * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (used + PROTECTION_BYTES, used + PROTECTION_BYTES))
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    before = _kilobytes("VmHWM")
    spent = int(time.process_time()) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (spent + MOST_SECONDS, spent + MOST_SECONDS))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(HANGS_SECONDS)
    said, error = "", None
    try:
        said = str(work())
    except BaseException as problem:  # noqa: BLE001 - it is handed on
        error = f"{type(problem).__name__}: {problem}"
    pipe.send(Outcome(said, error, (_kilobytes("VmHWM") - before) / 1024))
    os._exit(0)


def _kilobytes(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(f"{name}:")).split()[1])
