"""Locks: one process at a time works on something; others see its lock, and take over if it has died."""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from glob import escape
from math import inf
from pathlib import Path
from typing import Any

from cryosense.errors import BusyError
from cryosense.runs.processes import HOST, is_alive, whoami

LOCK = "lock.json"
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
        OSError: there is no room for it, or no right to write there.
    """
    hold = _Hold(lock)
    _HOLDS.append(hold)
    try:
        hold.take(expires_hours)
        threading.Thread(target=_keep_touching, args=(lock, hold.released), daemon=True).start()
        yield
    finally:
        hold.release()
        _HOLDS.remove(hold)


def release_all() -> None:
    """Release what this process holds still: a signal may have ended the code that would have, between two of its steps."""
    for hold in _HOLDS:
        if hold.process == os.getpid():  # not what this process was forked from holds
            hold.release()


def remove_dead(lock: Path) -> None:
    """Remove the lock if its holder was a process of this host and has ended: one that was killed leaves it behind."""
    with suppress(BusyError, OSError):
        _remove_stale(lock, inf)


class _Hold:
    """A lock that this process takes; what was taken of it so far can be released at any moment, and once more."""

    def __init__(self, lock: Path) -> None:
        self.lock, self.process, self.released = lock, os.getpid(), threading.Event()
        self.unlinked = lock.with_name(f".{lock.name}.{HOST}.{os.getpid()}.{threading.get_ident()}")
        self.made = [folder for folder in (lock.parent, *lock.parent.parents) if not folder.exists()]  # innermost first
        self.held: os.stat_result | None = None

    def take(self, expires_hours: float) -> None:
        """Make the lock. Raises BusyError."""
        holder = {**whoami(), "time": _now()}
        try:
            while True:
                self.lock.parent.mkdir(parents=True, exist_ok=True)  # it may have been removed with the lock of another
                try:
                    self.unlinked.write_text(json.dumps(holder))
                    self.held = self.unlinked.stat()
                    os.link(self.unlinked, self.lock)
                except FileNotFoundError:
                    continue
                except FileExistsError:
                    self.held = None  # or another's lock would be taken for this one, if its file gets the number of this
                    _remove_stale(self.lock, expires_hours)
                    continue
                except OSError as error:  # said of the folder, which the user has named
                    raise OSError(error.errno, error.strerror, str(self.lock.parent)) from error
                _remove_left(self.lock, expires_hours)
                return
        finally:
            with suppress(OSError):
                self.unlinked.unlink()

    def release(self) -> None:
        """Remove what is there of the lock, and the folders that were made for it alone."""
        self.released.set()
        with suppress(FileNotFoundError):
            # Another host may have taken this process for dead.
            if self.held is not None and os.path.samestat(self.lock.stat(), self.held):
                self.lock.unlink()
        with suppress(OSError):  # as where nothing may be written: why the lock was not taken is what is told
            self.unlinked.unlink()
        for folder in self.made:
            with suppress(OSError):  # not empty, or removed with another's lock
                folder.rmdir()


_HOLDS: list[_Hold] = []


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


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")
