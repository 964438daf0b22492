"""Of two that are given at once on one directory one works and the other says so: every verb that writes, as processes."""

import subprocess
import sys
from pathlib import Path

from cryosense.cli import main
from tests.kills.verbs import VERBS

# Of the same verb, with more than it takes to see who is at work.
VARIANTS = {"posterior", "sweep", "reconstruct-shards", "backproject-shards", "align-shards"}


def test_of_two_at_once_one_works_and_the_other_says_so() -> None:
    names = sorted(set(VERBS) - VARIANTS)
    assert set(names) == set(main.VERBS)
    command = [sys.executable, "-m", "tests.kills.held", *names]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines() if line.endswith("the other says so")] == names
