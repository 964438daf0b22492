"""The dispatcher: help that is true, and a clear word for a verb that is not there."""

import importlib

import pytest

from cryosense.cli import main


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["cryosense", *words])
    return main.main()


def test_help_lists_every_verb_in_a_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "--help") == 0
    printed = capsys.readouterr().out.splitlines()
    for verb, line in main.VERBS.items():
        assert any(verb in entry and line in entry for entry in printed)
        assert callable(importlib.import_module(f"cryosense.cli.{verb.replace('-', '_')}").main)


def test_an_unknown_verb_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "reconstrut") == 2
    assert f"no verb 'reconstrut'; the verbs are {', '.join(main.VERBS)}" in capsys.readouterr().err
