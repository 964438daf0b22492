"""The command in the tests' own process."""

import pytest

from cryosense.cli import main


def run_verb(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """``cryosense <words>``, as a shell would start it."""
    monkeypatch.setattr("sys.argv", ["cryosense", *words])
    return main.main()
