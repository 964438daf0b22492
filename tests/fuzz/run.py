"""The long run: ``python -m tests.fuzz.run --bytes 1000000 [--only star cs]`` feeds so many spoiled bytes to each loader.

Each loader works in a process of its own that may take 300 MB beyond what it had when its libraries were loaded. A
content over which a loader raises anything but its refusal, dies, takes longer than five seconds of a processor or runs a
program is kept below ``--findings``.
"""

from __future__ import annotations

import argparse
import faulthandler
import hashlib
import multiprocessing
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from tests.fuzz.measurement_targets import MEASUREMENTS
from tests.fuzz.more_targets import MORE
from tests.fuzz.mutations import apply, drawn
from tests.fuzz.targets import TARGETS
from tests.fuzz.trial import finding, watch

LONGEST_SECONDS, HANGS_SECONDS = 5, 300
MOST_BYTES = 300 * 2**20
ALL = {target.name: target for target in (*TARGETS, *MORE, *MEASUREMENTS)}


def main() -> int:
    """-> 0 if nothing was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bytes", type=int, default=1_000_000, help="to feed to each loader")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", choices=list(ALL), default=list(ALL))
    parser.add_argument("--findings", type=Path, default=Path("outputs/fuzz"))
    arguments = parser.parse_args()
    found = [fuzz(name, arguments.bytes, arguments.seed, arguments.findings) for name in arguments.only]
    return int(any(found))


def fuzz(name: str, wanted: int, seed: int, findings: Path) -> int:
    """Feed one loader; a process that dies is followed by another, which goes on behind what killed it. -> findings."""
    fed = case = 0
    reasons: Counter[str] = Counter()
    started, slowest, most = time.monotonic(), 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        while fed < wanted:
            mine, theirs = multiprocessing.get_context("fork").Pipe()
            process = multiprocessing.get_context("fork").Process(
                target=child, args=(name, case, seed, wanted - fed, folder, theirs)
            )
            process.start()
            theirs.close()
            reason = None
            while reason is None:
                try:
                    if not mine.poll(HANGS_SECONDS):
                        reason = f"hangs for more than {HANGS_SECONDS} s"
                        continue
                    case, size, problem, seconds, kilobytes = mine.recv()
                except EOFError:
                    break
                fed, case, slowest, most = fed + size, case + 1, max(slowest, seconds), max(most, kilobytes)
                if problem is not None:
                    note(findings, name, content(name, case - 1, seed), problem, reasons)
            process.kill()
            process.join()
            if fed < wanted:
                died = (
                    reason
                    or f"killed by {signal.Signals(-process.exitcode).name if process.exitcode < 0 else process.exitcode}"
                )
                note(findings, name, content(name, case, seed), died, reasons)
                fed, case = fed + len(content(name, case, seed)), case + 1
    took = f"{time.monotonic() - started:.0f} s, slowest {slowest:.2f} s, most {most / 1024:.0f} MB"
    said = [f"{name}: {case} files, {fed} bytes, {took}"]
    said += [f"  {count} x {reason}" for reason, count in reasons.most_common()]
    sys.stdout.write("\n".join(said) + "\n")
    sys.stdout.flush()
    return len(reasons)


def child(name: str, first: int, seed: int, wanted: int, folder: str, pipe: Connection) -> None:
    """Feed contents from number ``first`` on until ``wanted`` bytes are fed; say of each what came of it."""
    faulthandler.enable()
    target = ALL[name]
    path = target.place(Path(folder) / name)
    watch()
    finding(target, path, target.seeds()[0])  # libraries are loaded before memory is limited
    used = int(next(line for line in Path("/proc/self/status").read_text().splitlines() if "VmData" in line).split()[1]) * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (used + MOST_BYTES, used + MOST_BYTES))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    fed, case = 0, first
    while fed < wanted:
        spoiled = content(name, case, seed)
        started = time.process_time()
        problem = finding(target, path, spoiled)
        seconds = time.process_time() - started
        if problem is None and seconds > LONGEST_SECONDS:
            problem = f"takes {seconds:.0f} s"
        pipe.send((case, len(spoiled), problem, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before))
        fed, case = fed + len(spoiled), case + 1


SEEDS: dict[str, list[bytes]] = {}


def content(name: str, case: int, seed: int) -> bytes:
    """-> the spoiled content of this number."""
    if name not in SEEDS:
        SEEDS[name] = ALL[name].seeds()
    generator = np.random.default_rng([seed, list(ALL).index(name), case])
    return apply(SEEDS[name][case % len(SEEDS[name])], drawn(generator))


def note(findings: Path, name: str, spoiled: bytes, reason: str, reasons: Counter[str]) -> None:
    """Keep the first content of each reason."""
    if reason not in reasons:
        folder = findings / name
        folder.mkdir(parents=True, exist_ok=True)
        kept = folder / hashlib.sha256(spoiled).hexdigest()[:12]
        kept.write_bytes(spoiled)
        kept.with_suffix(".txt").write_text(reason + "\n")
    reasons[reason] += 1


if __name__ == "__main__":
    raise SystemExit(main())
