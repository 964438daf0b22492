"""Which process this is, whether another lives, and memory that goes back to the system."""

from __future__ import annotations

import ctypes
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

HOST = socket.gethostname()


def whoami() -> dict[str, Any]:
    """Return host, number and start time of this process, which distinguish it from all others."""
    return {"host": HOST, "pid": os.getpid(), "started": _started(os.getpid())}


def is_alive(pid: int, started: str | None) -> bool:
    """Return whether the process lives and is the one that had this number then; a killed one nobody waits for does not."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    state = _state(pid)
    return state is None or (state[0] not in "ZX" and (started is None or state[19] == started))


def give_memory_back() -> None:
    """Give back to the system what has been freed but is kept, by glibc up to 64 MB once arrays were large."""
    with suppress(AttributeError, OSError, TypeError):  # other libraries, and Windows
        ctypes.CDLL(None).malloc_trim(0)


def _started(pid: int) -> str | None:
    """Return when the process began, in kernel ticks, to tell apart two with one number; None where there is no /proc."""
    state = _state(pid)
    return None if state is None else state[19]


def _state(pid: int) -> list[str] | None:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
