"""Verbs that are given twice at once, and ended at any moment: ``python -m tests.kills.run``, in small here."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.kills.verbs import VERBS

CHEAP = ["simulate", "export", "compare-models", "compare-latents", "design"]


def run(*words: str) -> None:
    command = [sys.executable, "-m", "tests.kills.run", *words]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_of_two_at_once_one_works_and_the_other_says_so() -> None:
    run("--only", *CHEAP, "--kinds", "at-once", "--trials", "1")


def test_a_death_at_any_renaming_costs_nothing() -> None:
    run("--only", "export", "compare-models", "--kinds", "renames")


@pytest.mark.slow
@pytest.mark.parametrize("verb", VERBS)
def test_nothing_is_lost_however_a_verb_ends(verb: str) -> None:
    run("--only", verb, "--kinds", "SIGKILL", "SIGTERM", "SIGINT", "renames", "at-once", "--trials", "4")
