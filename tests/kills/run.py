"""``python -m tests.kills.run [--only reconstruct train] [--trials 30]``: every verb that writes, ended at every moment.

For each verb: SIGKILL, SIGTERM and SIGINT at random moments of its run; SIGKILL before and after renamings of files; two and
four processes at once; a disk that is full at five fillings (needs the right to mount a tmpfs). The same command is then given
again. Nothing may be lost, nothing different from the result of a run that was left alone, no traceback said, no process left.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from itertools import chain
from pathlib import Path

from tests.kills.counts import END, KINDS, Counts
from tests.kills.trials import apart, load
from tests.kills.verbs import VERBS
from tests.kills.work import FILLINGS, SIGNALS, NoSuchMomentError, Work

MOST_RENAMES = 60


def numbers(kind: str, count: int) -> range:
    """-> the numbers of a kind's trials where there are so many SIGKILLs."""
    if kind in SIGNALS:
        return range(count if kind == "SIGKILL" else -(-count // 3))
    most = {"renames": 2 * MOST_RENAMES, "at-once": max(2, count // 5), "disk": len(FILLINGS)}
    return range(most[kind])


def left(name: str, words: argparse.Namespace) -> Iterator[tuple[str, int]]:
    """-> kind and number of the trials of a verb that were not made yet, while there is time; what is told is read anew."""
    for kind in words.kinds:
        for number in numbers(kind, words.trials):
            if time.time() > words.until:
                return
            counts = Counts(words.counts)
            if (name, kind, number) not in counts.found and not counts.is_over(name, kind):
                yield kind, number


def try_verb(name: str, words: argparse.Namespace) -> int:
    """Make the trials of a verb and say what they found. -> 0 if nothing was wrong."""
    todo = left(name, words)
    first = next(todo, None)
    if first is None:
        return 0
    with tempfile.TemporaryDirectory() as folder:
        work = Work(VERBS[name], Path(folder))
        for kind, number in chain([first], todo):
            try:
                found = work.trial(kind, number, words.seed)
            except NoSuchMomentError:
                found = END
            Counts(words.counts).add(name, kind, number, found)
            if found not in (None, END):
                print(f"{name} {kind} {number}: {found}", flush=True)  # noqa: T201 - it is a program
    return 0


def main() -> int:
    """-> 0 if nothing was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", choices=list(VERBS), default=list(VERBS))
    parser.add_argument("--kinds", nargs="*", choices=KINDS, default=KINDS)
    parser.add_argument("--trials", type=int, default=30, help="SIGKILLs; a third as many of other signals, a fifth at once")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--counts", type=Path, help="file of what came of each trial: what stands there is not tried again")
    parser.add_argument("--minutes", type=float, default=1e6, help="no trial is begun after so many")
    words = parser.parse_args()
    words.until = time.time() + 60 * words.minutes
    load()
    with tempfile.TemporaryDirectory() as folder:
        words.counts = words.counts or Path(folder) / "counts"
        states = [apart(partial(try_verb, name, words)) for name in words.only]
        counts = Counts(words.counts)
    print(counts.table(), flush=True)  # noqa: T201 - it is a program
    return int(any(states) or any(wrong not in (None, END) for wrong in counts.found.values()))


if __name__ == "__main__":
    sys.exit(main())
