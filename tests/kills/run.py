"""``python -m tests.kills.run [--only reconstruct train] [--trials 30]``: every verb that writes, ended at every moment.

For each verb: SIGKILL, SIGTERM and SIGINT at random moments of its run; SIGKILL before and after renamings of files; two and
four processes at once; a disk that is full at five fillings (needs the right to mount a tmpfs). The same command is then given
again. Nothing may be lost, nothing different from the result of a run that was left alone, no traceback said, no process left.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path

from tests.kills.deaths import dying_at, end_at, orphans
from tests.kills.same import difference
from tests.kills.trials import WAITING_SECONDS, apart, ended, give, load, run_here, start
from tests.kills.verbs import VERBS, Verb

STATES = {"SIGKILL": (-9, 0), "SIGTERM": (143, 0), "SIGINT": (130, 0)}
SIGNALS = {"SIGKILL": signal.SIGKILL, "SIGTERM": signal.SIGTERM, "SIGINT": signal.SIGINT}
KINDS = [*SIGNALS, "renames", "at-once", "disk"]
FILLINGS = (0.02, 0.3, 0.6, 0.9, 0.99)  # of the room that the whole result takes
MOST_RENAMES = 60


class Trials:
    """Trials of one verb in one folder; what goes wrong is said and counted."""

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

    def killed(self, how: str, count: int) -> Iterator[str | None]:
        """-> what is wrong after each of so many ends by a signal, None where nothing is."""
        for _ in range(count):
            self._new()
            pid = start(self.lines, self.log)
            status = end_at(pid, self.out, random.random() * self.seconds * 1.05, SIGNALS[how])
            left = orphans(pid)
            locks = [str(path) for path in self.out.rglob("*lock*")] if how != "SIGKILL" else []
            odd = status not in STATES[how]
            yield (
                (f"processes {left} went on" if left else None)
                or (f"left {locks}" if locks else None)
                or (f"status {status}: {self.log.read_text()[-600:]}" if odd else None)
                or self._again()
            )

    def renames(self) -> Iterator[str | None]:
        """-> the same for deaths at all renamings, before and after each."""
        for moment in range(MOST_RENAMES):
            for after in (False, True):
                self._new()
                if ended(start(self.lines, self.log, dying_at(moment, after=after))) == 0:  # it has no more
                    return
                yield self._again()

    def at_once(self, processes: int) -> str | None:
        """-> what is wrong where so many work at the same time."""
        self._new()
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

    def full_disk(self, filling: float) -> str | None:
        """-> what is wrong where the disk holds such a part of the result, and enough later."""
        self._new()
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

    def _new(self) -> None:
        self.log.unlink(missing_ok=True)
        shutil.rmtree(self.out, ignore_errors=True)

    def _again(self) -> str | None:
        status = run_here(self.lines, self.log)
        return f"again: status {status}: {self.log.read_text()[-600:]}" if status else self.wrong(self.out)

    def wrong(self, out: Path) -> str | None:
        """-> what is wrong with a result, and with what was said on the way, None where nothing is."""
        said = self.log.read_text()
        return "traceback: " + said[-1500:] if "Traceback" in said else difference(out, self.whole)


def trials(verb: Trials, kind: str, count: int) -> Iterator[str | None]:
    """-> what is wrong in each trial of a kind."""
    if kind in SIGNALS:
        yield from verb.killed(kind, count if kind == "SIGKILL" else -(-count // 3))
    elif kind == "renames":
        yield from verb.renames()
    elif kind == "at-once":
        for i in range(max(2, count // 5)):
            yield verb.at_once(2 + 2 * (i % 2))
    else:
        yield from map(verb.full_disk, FILLINGS)


def try_verb(name: str, kinds: list[str], count: int) -> int:
    """Make the trials of a verb and say what they found. -> 0 if nothing was wrong."""
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        verb = Trials(VERBS[name], Path(folder))
        for kind in kinds:
            began = time.time()
            found = list(trials(verb, kind, count))
            bad = [each for each in found if each is not None]
            wrong += len(bad)
            line = f"{name:20} {kind:8} {len(found):3} trials, {len(bad)} wrong ({time.time() - began:.0f} s)"
            print(line, *bad[:3], sep="\n    ", flush=True)  # noqa: T201 - it is a program
    return int(wrong > 0)


def main() -> int:
    """-> 0 if nothing was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", choices=list(VERBS), default=list(VERBS))
    parser.add_argument("--kinds", nargs="*", choices=KINDS, default=KINDS)
    parser.add_argument("--trials", type=int, default=30, help="SIGKILLs; a third as many of other signals, a fifth at once")
    parser.add_argument("--seed", type=int, default=0)
    words = parser.parse_args()
    random.seed(words.seed)
    load()
    states = [apart(partial(try_verb, name, words.kinds, words.trials)) for name in words.only]
    return int(any(states))


if __name__ == "__main__":
    sys.exit(main())
