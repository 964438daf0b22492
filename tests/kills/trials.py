"""Command lines in processes of their own: started, ended at some moment, looked at afterwards.

Libraries are loaded once, and each process is forked from the one that has them: a trial takes as long as its work.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

Lines = Sequence[Sequence[str]]
ORPHANS_SECONDS = 8.0
COMMAND = "import sys; from cryosense.cli.main import main; sys.exit(main())"


def load() -> None:
    """Import what the verbs need, in the process that others are forked from."""
    import importlib

    os.environ.setdefault("MPLBACKEND", "Agg")
    for name in (
        "reconstruct",
        "train",
        "backproject",
        "simulate",
        "collect",
        "report",
        "export",
        "validate",
        "align",
        "measure",
    ):
        importlib.import_module(f"cryosense.cli.{name}")
    for name in ("design_mask", "compare_latents", "compare_models", "inspect"):
        importlib.import_module(f"cryosense.cli.{name}")


def start(lines: Lines, log: Path, first: Callable[[], object] | None = None) -> int:
    """Give the command lines one after the other in a new process and session. -> its number.

    Sweeps start workers, which look at the program that they are of: these are given to an interpreter of their own.

    Args:
        log: what it says, on both channels.
        first: called in it before all else.
    """
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        os.setsid()
        opened = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for channel in (1, 2):
            os.dup2(opened, channel)
        if "-m" in lines[0]:
            os.execv(sys.executable, [sys.executable, "-c", COMMAND, *lines[0]])
        if first is not None:
            first()
        status = _give(lines)
    except BaseException:  # noqa: BLE001 - nothing may return into the copy of the parent
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _give(lines: Lines) -> int:
    from hydra.core.global_hydra import GlobalHydra

    from cryosense.cli.main import main

    for words in lines:
        GlobalHydra.instance().clear()
        sys.argv = ["cryosense", *words]
        try:
            status = main()
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else 1
            if isinstance(ended.code, str):
                sys.stderr.write(f"{ended.code}\n")
        if status:
            return status
    return 0


def ended(pid: int) -> int:
    """Wait for a process. -> its status; minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def run_here(lines: Lines, log: Path) -> int:
    """-> the status of the command lines."""
    return ended(start(lines, log))


def end_at(pid: int, seconds: float, how: signal.Signals) -> int:
    """Send a signal to a process, and to none that it has started, after so many seconds. -> its status."""
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
