"""Commands in processes of their own, with what they took."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

POLL_SECONDS = 0.1


class Usage(NamedTuple):
    """What a command took, all its threads together: seconds on the clock and of processors, peak memory in GB."""

    seconds: float
    cpu_seconds: float
    peak_gb: float


def timed(threads: int, output: Path, program: str, *arguments: str, cwd: Path | None = None) -> Usage:
    """-> what a command took that fills ``output``, from the file that it was written to if it was run before.

    ``cwd``: the folder that it is started in, if another than this.
    """
    known = output / "usage.json"
    if not known.exists():
        shutil.rmtree(output, ignore_errors=True)
        output.mkdir(parents=True)
        known.write_text(json.dumps(run(threads, program, *arguments, cwd=cwd)._asdict()))
    return Usage(**json.loads(known.read_text()))


def kept(path: Path, make: Callable[[], str]) -> str:
    """-> the text in ``path``, made now unless it is there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(make())
    return path.read_text()


def run(threads: int, program: str, *arguments: str, cwd: Path | None = None) -> Usage:
    """-> what one command took, start of the program included. Its output goes on; its failure is ours."""
    counts = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
    start, peak, done = time.perf_counter(), 0, 0
    beside = Path(sys.executable).with_name(program)  # else it is a program of the machine's
    command = [beside if beside.exists() else program, *arguments]
    process = subprocess.Popen(command, stdout=sys.stderr, env=os.environ | counts, cwd=cwd)
    while not done:
        # Not the usage's own peak, which begins at that of the process that started it.
        peak = max(peak, high_water_kilobytes(process.pid))
        time.sleep(POLL_SECONDS)
        done, status, usage = os.wait4(process.pid, os.WNOHANG)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, arguments)
    took = Usage(time.perf_counter() - start, usage.ru_utime + usage.ru_stime, peak * 1024 / 1e9)
    print(program, arguments[0], took, file=sys.stderr, flush=True)
    return took


def high_water_kilobytes(pid: int) -> int:
    """-> the most memory a process has held so far; 0 once it has ended."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)
