"""The command in the tests' own process, and RELION's programs in theirs."""

import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from cryosense.cli import main


def run_verb(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """``cryosense <words>``, as a shell would start it."""
    monkeypatch.setattr("sys.argv", ["cryosense", *words])
    return main.main()


def cryosense(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    """``run_verb`` that must succeed."""
    assert run_verb(monkeypatch, *words) == 0


def refusal(run: Callable[..., Any], *arguments: Any) -> str:
    """-> the message with which this ends, which must be one line."""
    with pytest.raises(SystemExit) as refused:
        run(*arguments)
    message = str(refused.value).strip()
    assert "\n" not in message
    return message


def relion(*words: str) -> None:
    """One of RELION's programs, which must succeed."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
