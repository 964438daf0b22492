"""A refinement that several processes share: each finds the poses of its particles, all wait for one another's sums."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from cryosense.runs.lock import LOCK, TOUCH_SECONDS

ITERATIONS = "iterations"
SIGNS_MISSED = 3  # after so many a process is not waited for
LOOKING_SECONDS = 1.0


@dataclass(frozen=True)
class Share:
    """What one of several processes does.

    Attributes:
        all_rows: (n,) particles of all processes.
        rows: (m,) particles of this one, one after the other.
        directories: of all processes, in the order of their particles.
        index: which of them is this one's.
    """

    all_rows: Tensor
    rows: Tensor
    directories: Sequence[Path]
    index: int

    @property
    def directory(self) -> Path:
        """Of this process."""
        return self.directories[self.index]

    def all_have(self, name: str) -> bool:
        """Whether a file lies in the directories of all. Waits while the processes that have not made it are at work."""
        while True:
            missing = [folder for folder in self.directories if not (folder / name).is_file()]
            if not all(_at_work(folder) for folder in missing):
                return all((folder / name).is_file() for folder in missing)
            if not missing:
                return True
            time.sleep(LOOKING_SECONDS)


def _at_work(directory: Path) -> bool:
    """Whether a process has given a sign of life there of late: its lock is touched, see ``locked``."""
    try:
        return time.time() - (directory / LOCK).stat().st_mtime < SIGNS_MISSED * TOUCH_SECONDS
    except FileNotFoundError:
        return False
