"""The command in the tests' own process, and RELION's programs in theirs."""

import subprocess

import pytest

from cryosense.cli import main


def run_verb(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """``cryosense <words>``, as a shell would start it."""
    monkeypatch.setattr("sys.argv", ["cryosense", *words])
    return main.main()


def cryosense(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    """``run_verb`` that must succeed."""
    assert run_verb(monkeypatch, *words) == 0


def relion(*words: str) -> None:
    """One of RELION's programs, which must succeed."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
