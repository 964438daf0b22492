"""One process at a time works in a run's directory: others see its claim, and take over where it has died."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from cryosense.errors import BusyError

CLAIM = "claim.json"
HOST = socket.gethostname()
TOUCH_SECONDS = 60.0
WAITING_SECONDS = 0.2
WRITING_SECONDS = 60.0  # a claim that is still not readable after that is of a process that died while it wrote it


@contextmanager
def claimed(directory: Path, expires_hours: float) -> Iterator[None]:
    """Hold the directory, made if need be, while the block runs.

    ``claim.json`` is made by an exclusive open, which one of many processes can do, on network file systems too, and touched
    every minute. The claim of a dead process on this host is taken over at once; of another host nothing is known but that its
    claim is touched: after ``expires_hours`` without, it is taken over. Directories that were made for the claim alone go with
    it.

    Raises:
        BusyError: the directory is held by another process.
    """
    made = _make(directory)
    claim = directory / CLAIM
    _take(claim, expires_hours)
    released = threading.Event()
    threading.Thread(target=_keep_touching, args=(claim, released), daemon=True).start()
    try:
        yield
    finally:
        released.set()
        claim.unlink(missing_ok=True)
        for folder in made:
            with suppress(OSError):  # not empty, or gone with another's claim
                folder.rmdir()


@contextmanager
def claimed_in_turn(directory: Path, expires_hours: float) -> Iterator[None]:
    """As :func:`claimed`, but waiting while another process holds the directory: for what all of them need, and one makes."""
    with ExitStack() as held:
        while True:
            try:
                held.enter_context(claimed(directory, expires_hours))
            except BusyError:
                time.sleep(WAITING_SECONDS)
                continue
            break
        yield


def _keep_touching(claim: Path, released: threading.Event) -> None:
    while not released.wait(TOUCH_SECONDS):
        with suppress(FileNotFoundError):
            os.utime(claim)


def _make(directory: Path) -> list[Path]:
    """Make a directory. -> those that were not there, the innermost first."""
    missing = [folder for folder in (directory, *directory.parents) if not folder.exists()]
    directory.mkdir(parents=True, exist_ok=True)
    return missing


def _take(claim: Path, expires_hours: float) -> None:
    while True:
        try:
            file = claim.open("x")
        except FileNotFoundError:  # gone with the claim of another
            claim.parent.mkdir(parents=True, exist_ok=True)
            continue
        except FileExistsError:
            _remove_stale(claim, expires_hours)
            continue
        with file:
            json.dump({"host": HOST, "pid": os.getpid(), "started": _started(os.getpid()), "time": _now()}, file)
        return


def _remove_stale(claim: Path, expires_hours: float) -> None:
    """Remove a claim whose holder is dead. Raises BusyError if it lives, or may live."""
    try:
        file = claim.open("r+")
    except FileNotFoundError:
        return
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)  # of those who find it stale one removes it, and nobody removes what came after it
        if not _same_file(file.fileno(), claim):
            return
        holder, age = _read(file.read()), time.time() - os.fstat(file.fileno()).st_mtime
        if holder is None:
            stale, who = age > WRITING_SECONDS, "a process that has just begun"
        elif holder["host"] == HOST:
            stale, who = not _alive(holder["pid"], holder["started"]), f"process {holder['pid']}"
        else:
            stale, who = age > 3600 * expires_hours, f"process {holder['pid']} on {holder['host']}"
        if not stale:
            raise BusyError(f"{claim.parent}: {who} is at work on it (last sign of life {age / 60:.0f} minutes ago)")
        claim.unlink()


def _same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _read(text: str) -> dict[str, Any] | None:
    try:
        holder = json.loads(text)
    except ValueError:
        return None
    return holder if isinstance(holder, dict) and {"host", "pid", "started"} <= set(holder) else None


def _alive(pid: int, started: str | None) -> bool:
    """Whether the process lives, and is the one that had this number then."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return _started(pid) == started


def _started(pid: int) -> str | None:
    """-> when the process began, in the kernel's own count, None where there is no /proc: tells apart two of one number."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return None


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")
