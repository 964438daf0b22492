"""Locks: one process at a time works on something; others see its lock, and take over if it has died."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import Any

from cryosense.errors import BusyError

LOCK = "lock.json"
HOST = socket.gethostname()
EXPIRES_HOURS = 1.0  # for a lock of another host, which cannot be asked whether it is still at work
TOUCH_SECONDS = 60.0
WAITING_SECONDS = 0.2
# Locks appear whole. One that cannot be read was cut short by a full disk or a crashed machine.
UNREADABLE_SECONDS = 2.0


@contextmanager
def locked(lock: Path, expires_hours: float = EXPIRES_HOURS) -> Iterator[None]:
    """Hold the lock, a file whose folder is made if need be, while the block runs.

    The file is made by a hard link, at which only one of many processes can succeed, on network file systems too, and is
    touched every minute. The lock of a dead process on this host is taken over at once. Of another host nothing is known but
    that its lock is touched: after ``expires_hours`` without, it is taken over. Folders that were made for the lock alone go
    with it.

    Raises:
        BusyError: another process holds the lock.
        OSError: there is no room for it.
    """
    made = _make(lock.parent)
    try:
        held = _take(lock, expires_hours)
        released = threading.Event()
        threading.Thread(target=_keep_touching, args=(lock, released), daemon=True).start()
        try:
            yield
        finally:
            released.set()
            with suppress(FileNotFoundError):
                if os.path.samestat(lock.stat(), held):  # another host may have taken this process for dead
                    lock.unlink()
    finally:
        for folder in made:
            with suppress(OSError):  # not empty, or removed with another's lock
                folder.rmdir()


@contextmanager
def locked_in_turn(lock: Path, expires_hours: float = EXPIRES_HOURS) -> Iterator[None]:
    """Hold the lock as ``locked`` does, but wait for another holder: for what all processes need and one of them makes."""
    with ExitStack() as held:
        while True:
            try:
                held.enter_context(locked(lock, expires_hours))
            except BusyError:
                time.sleep(WAITING_SECONDS)
                continue
            break
        yield


def _keep_touching(lock: Path, released: threading.Event) -> None:
    while not released.wait(TOUCH_SECONDS):
        with suppress(FileNotFoundError):
            os.utime(lock)


def _make(directory: Path) -> list[Path]:
    """Make a directory; return the folders that did not exist, the innermost first."""
    missing = [folder for folder in (directory, *directory.parents) if not folder.exists()]
    directory.mkdir(parents=True, exist_ok=True)
    return missing


def _take(lock: Path, expires_hours: float) -> os.stat_result:
    """Make the lock; return what tells it apart from another's."""
    unlinked = lock.with_name(f".{lock.name}.{HOST}.{os.getpid()}.{threading.get_ident()}")
    holder = {**whoami(), "time": _now()}
    try:
        while True:
            lock.parent.mkdir(parents=True, exist_ok=True)  # it may have been removed with the lock of another
            try:
                unlinked.write_text(json.dumps(holder))
                held = unlinked.stat()
                os.link(unlinked, lock)
            except FileNotFoundError:
                continue
            except FileExistsError:
                _remove_stale(lock, expires_hours)
                continue
            _remove_left(lock, expires_hours)
            return held
    finally:
        with suppress(OSError):
            unlinked.unlink()


def _remove_stale(lock: Path, expires_hours: float) -> None:
    """Remove a lock whose holder is dead. Raises BusyError if it lives, or may live."""
    try:
        file = lock.open("r+")
    except FileNotFoundError:
        return
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)  # of those that find it stale one removes it, and none removes its successor
        if not _same_file(file.fileno(), lock):
            return
        holder, age = _read(file.read()), time.time() - os.fstat(file.fileno()).st_mtime
        if _is_stale(holder, age, expires_hours):
            lock.unlink()
            return
    if holder is None:
        time.sleep(WAITING_SECONDS)
        return
    who = f"process {holder['pid']}" + ("" if holder["host"] == HOST else f" on {holder['host']}")
    raise BusyError(f"{lock.parent}: {who} is at work on it (last sign of life {max(0, age) / 60:.0f} minutes ago)")


def _is_stale(holder: dict[str, Any] | None, age: float, expires_hours: float) -> bool:
    if holder is None:
        return age > UNREADABLE_SECONDS
    return age > 3600 * expires_hours if holder["host"] != HOST else not is_alive(holder["pid"], holder["started"])


def _remove_left(lock: Path, expires_hours: float) -> None:
    """Remove what processes have left that died between the making of their lock and its taking. The lock is held."""
    for path in lock.parent.glob(f".{escape(lock.name)}.*"):
        with suppress(OSError):
            if _is_stale(_read(path.read_text(errors="replace")), time.time() - path.stat().st_mtime, expires_hours):
                path.unlink()


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
    well = isinstance(holder, dict) and {"host", "pid", "started"} <= set(holder) and isinstance(holder["pid"], int)
    return holder if well else None


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


def _started(pid: int) -> str | None:
    """Return when the process began, in kernel ticks, to tell apart two with one number; None where there is no /proc."""
    state = _state(pid)
    return None if state is None else state[19]


def _state(pid: int) -> list[str] | None:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")
