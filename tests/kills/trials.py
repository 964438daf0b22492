"""Command lines in processes of their own: started, ended at some moment, looked at afterwards.

Libraries are loaded once, and each process is forked from the one that has them and has composed the same configuration
before; figures are written, not drawn: a trial takes as long as its work. Sweeps alone start from nothing, as their workers
do.
"""

from __future__ import annotations

import faulthandler
import gc
import importlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from copy import deepcopy
from pathlib import Path

from matplotlib.figure import Figure
from tqdm import tqdm

from cryosense.cli import main

Lines = Sequence[Sequence[str]]
WAITING_SECONDS = 0.002
LONGEST_SECONDS = 300.0
COMMAND = "import sys; from cryosense.cli.main import main; sys.exit(main())"


def load() -> None:
    """Import what the verbs need, in the process that others are forked from, and compose each configuration once."""
    os.environ.setdefault("MPLBACKEND", "Agg")
    tqdm.monitor_interval = 0  # no thread: forks would wait for what it holds
    tqdm.set_lock(threading.RLock())  # not shared with those that are killed while they hold it
    for verb in main.VERBS:
        importlib.import_module(f"cryosense.cli.{verb.replace('-', '_')}")
    loader = importlib.import_module("cryosense.cli.composing").ConfigLoader
    known: dict[object, object] = {}
    compose = loader.load_configuration

    def composed(self: object, config_name: str, overrides: list[str], run_mode: object, **others: object) -> object:
        key = (config_name, *overrides, run_mode)
        if key not in known:
            known[key] = compose(self, config_name=config_name, overrides=overrides, run_mode=run_mode, **others)
        return deepcopy(known[key])

    loader.load_configuration = composed
    draw = Figure.savefig

    def written(self: Figure, file: object, **others: object) -> None:
        if isinstance(file, Path):
            file.write_bytes(b"a figure")
        else:
            draw(self, file, **others)

    Figure.savefig = written


def start(lines: Lines, log: Path, first: Callable[[], object] | None = None) -> int:
    """Give the command lines one after the other in a new process and session. -> its number.

    Sweeps start workers, which look at the program that they are of: these are given to an interpreter of their own.

    Args:
        log: what it says, on both channels.
        first: called in it before all else.
    """
    sys.stdout.flush()
    gc.freeze()  # what is there already is not looked through, and so copied, in each of them
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        os.setsid()
        opened = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for channel in (1, 2):
            os.dup2(opened, channel)
        faulthandler.dump_traceback_later(LONGEST_SECONDS - 10, file=opened)  # where it waits, should it wait for ever
        if "-m" in lines[0]:
            os.execv(sys.executable, [sys.executable, "-c", COMMAND, *lines[0]])
        if first is not None:
            first()
        status = give(lines)
    except BaseException:  # noqa: BLE001 - nothing may return into the copy of the parent
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def give(lines: Lines) -> int:
    """Give the command lines in this process. -> the status of the first that fails, or 0."""
    from hydra.core.global_hydra import GlobalHydra

    for words in lines:
        GlobalHydra.instance().clear()
        sys.argv = ["cryosense", *words]
        try:
            status = main.main()
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else 1
            if isinstance(ended.code, str):
                sys.stderr.write(f"{ended.code}\n")
        if status:
            return status
    return 0


def apart(work: Callable[[], int]) -> int:
    """Work in a copy of this process: what it leaves behind there is not seen by what comes next. -> its status."""
    sys.stdout.flush()
    pid = os.fork()
    if not pid:
        status = 1
        try:
            status = work()
        except BaseException:  # noqa: BLE001 - nothing may return into the copy of the parent
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def ended(pid: int) -> int:
    """Wait for a process. -> its status; minus the signal that ended it, which is given after five minutes."""
    deadline = time.time() + LONGEST_SECONDS
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if time.time() > deadline:
            os.kill(pid, signal.SIGKILL)
        time.sleep(WAITING_SECONDS)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def run_here(lines: Lines, log: Path) -> int:
    """-> the status of the command lines."""
    return ended(start(lines, log))
