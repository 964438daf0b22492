"""``python -m tests.kills.held [verbs]``: each verb that writes is given again while the same command is at work, held up.

The first process stops itself as soon as it has its lock, so that nothing is left to chance. The second must say in one line
that another is at work, and write nothing; the first, let go, must end with the result of a run that was left alone.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.kills.same import files
from tests.kills.trials import apart, ended, load, run_here, start
from tests.kills.verbs import VERBS
from tests.kills.work import Work


def stopping_at_its_lock() -> None:
    """Make this process stop directly after it has taken its first lock."""
    real: Callable[..., None] = os.link

    def linking(source: Path, lock: Path, **others: bool) -> None:
        real(source, lock, **others)
        os.link = real
        os.kill(os.getpid(), signal.SIGSTOP)

    os.link = linking  # type: ignore[assignment]


def held(name: str, folder: Path) -> str | None:
    """-> what is wrong with one verb, None where nothing is."""
    work = Work(VERBS[name], folder)
    out, log, other = folder / "out", folder / "first.txt", folder / "second.txt"
    words = VERBS[name].words(work.data, out)
    first = start(words, log, stopping_at_its_lock)
    _, state = os.waitpid(first, os.WUNTRACED)
    if not os.WIFSTOPPED(state):
        return f"took no lock: {log.read_text()[-600:]}"
    before = files(out)
    status, said = run_here(words, other), other.read_text()
    after = files(out)
    os.kill(first, signal.SIGCONT)
    if ended(first):
        return f"the first did not end well: {log.read_text()[-600:]}"
    last = said.strip().splitlines()[-1:]
    if status != 1 or "is at work on it" not in "".join(last) or "Traceback" in said:
        return f"the second ended with {status}: {said[-600:]}"
    if after != before:
        return f"the second wrote {sorted(after - before)}"
    work.log.write_text(log.read_text())
    return work.wrong(out)


def try_verb(name: str) -> int:
    """Say what was found of a verb. -> 0 if nothing was wrong."""
    with tempfile.TemporaryDirectory() as folder:
        found = held(name, Path(folder))
    print(f"{name:20} {found or 'one works, the other says so'}", flush=True)  # noqa: T201 - it is a program
    return int(found is not None)


def main() -> int:
    """-> 0 if nothing was wrong."""
    load()
    states = [apart(partial(try_verb, name)) for name in sys.argv[1:] or VERBS]
    return int(any(states))


if __name__ == "__main__":
    sys.exit(main())
