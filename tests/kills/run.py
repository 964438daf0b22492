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
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.kills.same import difference
from tests.kills.trials import dying_at, end_at, ended, load, orphans, run_here, start
from tests.kills.verbs import VERBS, Verb

SIGNALS = {"SIGKILL": signal.SIGKILL, "SIGTERM": signal.SIGTERM, "SIGINT": signal.SIGINT}
KINDS = [*SIGNALS, "renames", "at-once", "disk"]
FILLINGS = (0.02, 0.3, 0.6, 0.9, 0.99)  # of the room that the whole result takes
MOST_RENAMES = 60


class Trials:
    """Trials of one verb in one folder; what goes wrong is said and counted."""

    def __init__(self, verb: Verb, folder: Path) -> None:
        self.verb, self.folder, self.number = verb, folder, 0
        self.data, self.whole, self.log = folder / "data", folder / "whole", folder / "said.txt"
        verb.prepare(self.data)
        began = time.time()
        status = run_here(verb.words(self.data, self.whole), self.log)
        self.seconds = time.time() - began
        if status:
            raise SystemExit(f"{verb.name}: cannot be run at all:\n{self.log.read_text()[-3000:]}")

    def killed(self, how: str, count: int) -> Iterator[str | None]:
        """-> what is wrong after each of so many ends by a signal, None where nothing is."""
        for _ in range(count):
            out = self._new()
            pid = start(self.verb.words(self.data, out), self.log)
            end_at(pid, random.random() * self.seconds * 1.1, SIGNALS[how])
            left = orphans(pid)
            locks = [str(path) for path in out.rglob("*lock*")] if how != "SIGKILL" else []
            yield (f"processes {left} went on" if left else None) or (f"left {locks}" if locks else None) or self._again(out)

    def renames(self, count: int) -> Iterator[str | None]:
        """-> the same for deaths at renamings, before and after each; spread over them where there are more than ``count``."""
        moments = list(range(MOST_RENAMES))
        while moments:
            moment = moments.pop(0)
            for after in (False, True):
                out = self._new()
                status = ended(start(self.verb.words(self.data, out), self.log, dying_at(moment, after=after)))
                if status == 0:  # it has no more
                    return
                yield self._again(out)
            count -= 2
            if count <= 0:
                return

    def at_once(self, processes: int) -> str | None:
        """-> what is wrong where so many work at the same time."""
        out = self._new()
        logs = [self.folder / f"said_{i}.txt" for i in range(processes)]
        for log in logs:
            log.unlink(missing_ok=True)
        pids = [start(self.verb.words(self.data, out), log) for log in logs]
        states = [ended(pid) for pid in pids]
        said = [log.read_text() for log in logs]
        refused = [text for status, text in zip(states, said, strict=True) if status]
        self.log.write_text("\n".join(said))
        if 0 not in states or not all("is at work on it" in text or "are not done" in text for text in refused):
            return f"ended with {states}: {[text[-300:] for text in refused]}"
        return self.wrong(out)

    def full_disk(self, filling: float) -> str | None:
        """-> what is wrong where the disk holds such a part of the result, and enough later."""
        out = self._new()
        out.mkdir()
        needed = sum(path.stat().st_size for path in self.whole.rglob("*") if path.is_file()) + 2**16
        self._mount(out, f"size={max(2**14, int(filling * needed))}")
        try:
            run_here(self.verb.words(self.data, out / "out"), self.log)
            said = self.log.read_text()
            self._mount(out, f"remount,size={40 * needed + 2**26}")
            return "traceback: " + said[-1500:] if "Traceback" in said else self._again(out / "out")
        finally:
            subprocess.run(["umount", str(out)], check=True)

    def _mount(self, out: Path, options: str) -> None:
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(out)], check=True, capture_output=True)

    def _new(self) -> Path:
        self.number += 1
        self.log.unlink(missing_ok=True)
        shutil.rmtree(self.folder / f"out_{self.number - 1}", ignore_errors=True)
        return self.folder / f"out_{self.number}"

    def _again(self, out: Path) -> str | None:
        status = run_here(self.verb.words(self.data, out), self.log)
        return f"again: status {status}: {self.log.read_text()[-600:]}" if status else self.wrong(out)

    def wrong(self, out: Path) -> str | None:
        said = self.log.read_text()
        return "traceback: " + said[-1500:] if "Traceback" in said else difference(out, self.whole)


def trials(verb: Trials, kind: str, count: int) -> Iterator[str | None]:
    """-> what is wrong in each trial of a kind."""
    if kind in SIGNALS:
        yield from verb.killed(kind, count)
    elif kind == "renames":
        yield from verb.renames(count)
    elif kind == "at-once":
        for i in range(max(1, count // 4)):
            yield verb.at_once(2 + 2 * (i % 2))
    else:
        yield from map(verb.full_disk, FILLINGS)


def main() -> int:
    """-> 0 if nothing was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", choices=list(VERBS), default=list(VERBS))
    parser.add_argument("--kinds", nargs="*", choices=KINDS, default=KINDS)
    parser.add_argument("--trials", type=int, default=30, help="of each kind, a quarter as often of processes at once")
    parser.add_argument("--seed", type=int, default=0)
    words = parser.parse_args()
    random.seed(words.seed)
    load()
    wrong: Counter[str] = Counter()
    for name in words.only:
        with tempfile.TemporaryDirectory() as folder:
            verb = Trials(VERBS[name], Path(folder))
            for kind in words.kinds:
                found = list(trials(verb, kind, words.trials))
                bad = [each for each in found if each is not None]
                wrong[name] += len(bad)
                print(  # noqa: T201 - it is a program
                    f"{name:20} {kind:8} {len(found):3} trials, {len(bad)} wrong", *bad[:3], sep="\n    ", flush=True
                )
    return int(sum(wrong.values()) > 0)


if __name__ == "__main__":
    sys.exit(main())
