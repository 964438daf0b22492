"""One verb in one folder, and trials of it: each ended in some way, given again, compared with a run that was left alone."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from tests.kills.deaths import dying_at, end_at, orphans
from tests.kills.same import difference
from tests.kills.trials import WAITING_SECONDS, ended, give, run_here, start
from tests.kills.verbs import Verb

STATES = {"SIGKILL": (-9, 0), "SIGTERM": (143, 0), "SIGINT": (130, 0)}
SIGNALS = {"SIGKILL": signal.SIGKILL, "SIGTERM": signal.SIGTERM, "SIGINT": signal.SIGINT}
FILLINGS = (0.02, 0.3, 0.6, 0.9, 0.99)  # of the room that the whole result takes


class NoSuchMomentError(Exception):
    """A verb that should have died at a renaming ended before it."""


class Work:
    """A verb's input and whole result, made in a folder; trials say what is wrong in words, None where nothing is."""

    def __init__(self, verb: Verb, folder: Path) -> None:
        self.verb, self.data, self.out, self.whole = verb, folder / "data", folder / "out", folder / "whole"
        self.log, self.folder = folder / "said.txt", folder
        verb.prepare(self.data)
        self.lines = verb.words(self.data, self.out)
        if "-m" not in self.lines[0]:  # in this process: what is loaded on the way need not be loaded again
            with self.log.open("w") as log, redirect_stdout(log), redirect_stderr(log):
                status = give(self.lines)
            self._check(status)
            shutil.rmtree(self.out)
        pid = start(self.lines, self.log)
        while not self.out.exists():
            time.sleep(WAITING_SECONDS)
        began = time.time()
        self._check(ended(pid))
        self.seconds = time.time() - began  # from the first that is written to the last
        self.out.rename(self.whole)

    def _check(self, status: int) -> None:
        if status:
            raise SystemExit(f"{self.verb.name}: cannot be run at all:\n{self.log.read_text()[-3000:]}")

    def trial(self, kind: str, number: int, seed: int) -> str | None:
        """Make the trial of this number, whatever was tried before. Raises NoSuchMomentError behind the last renaming."""
        self.log.unlink(missing_ok=True)
        shutil.rmtree(self.out, ignore_errors=True)
        if kind in SIGNALS:
            share = random.Random(f"{seed} {self.verb.name} {kind} {number}").random()
            return self._signalled(kind, 1.05 * share * self.seconds)
        if kind == "renames":
            return self._dead_at(number // 2, after=bool(number % 2))
        if kind == "at-once":
            return self._at_once(2 + 2 * (number % 2))
        return self._full_disk(FILLINGS[number])

    def _signalled(self, how: str, seconds: float) -> str | None:
        pid = start(self.lines, self.log)
        status = end_at(pid, self.out, seconds, SIGNALS[how])
        left = orphans(pid)
        locks = [str(path) for path in self.out.rglob("*lock*")] if how != "SIGKILL" else []
        odd = status not in STATES[how]
        return (
            (f"processes {left} went on" if left else None)
            or (f"left {locks}" if locks else None)
            or (f"status {status}: {self.log.read_text()[-600:]}" if odd else None)
            or self._again()
        )

    def _dead_at(self, moment: int, *, after: bool) -> str | None:
        if ended(start(self.lines, self.log, dying_at(moment, after=after))) == 0:
            raise NoSuchMomentError
        return self._again()

    def _at_once(self, processes: int) -> str | None:
        logs = [self.folder / f"said_{i}.txt" for i in range(processes)]
        for log in logs:
            log.unlink(missing_ok=True)
        pids = [start(self.lines, log) for log in logs]
        states = [ended(pid) for pid in pids]
        said = [log.read_text() for log in logs]
        refused = [text for status, text in zip(states, said, strict=True) if status]
        self.log.write_text("\n".join(said))
        if 0 not in states or not all("is at work on it" in text or "are not done" in text for text in refused):
            return f"ended with {states}: {[text[-300:] for text in refused]}"
        return self.wrong(self.out)

    def _full_disk(self, filling: float) -> str | None:
        """A disk that holds such a part of the result, and enough later."""
        needed = sum(path.stat().st_size for path in self.whole.rglob("*") if path.is_file()) + 2**16
        disk = self.out.parent / "disk"
        disk.mkdir(exist_ok=True)
        self._mount(disk, f"size={max(2**14, int(filling * needed))}")
        (disk / "out").mkdir()
        self.out.symlink_to(disk / "out")
        try:
            run_here(self.lines, self.log)
            said = self.log.read_text()
            self._mount(disk, f"remount,size={40 * needed + 2**26}")
            return "traceback: " + said[-1500:] if "Traceback" in said else self._again()
        finally:
            self.out.unlink()
            subprocess.run(["umount", str(disk)], check=True)

    def _mount(self, out: Path, options: str) -> None:
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(out)], check=True, capture_output=True)

    def _again(self) -> str | None:
        status = run_here(self.lines, self.log)
        return f"again: status {status}: {self.log.read_text()[-600:]}" if status else self.wrong(self.out)

    def wrong(self, out: Path) -> str | None:
        """-> what is wrong with a result, and with what was said on the way, None where nothing is."""
        said = self.log.read_text()
        return "traceback: " + said[-1500:] if "Traceback" in said else difference(out, self.whole)
