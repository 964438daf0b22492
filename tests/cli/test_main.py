"""The dispatcher: help that is true, and a clear word for a verb that is not there."""

import importlib
import subprocess
import sys

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


HELP_OF_ALL = """
import sys
from cryosense.cli.main import VERBS, main

for verb in VERBS:
    sys.argv = ["cryosense", verb, "a_file", "--help"]
    try:
        main()
    except SystemExit as ended:
        print("ENDED", verb, ended.code)
heavy = {"torch", "pandas", "matplotlib", "lightning", "diffusers", "torchvision", "scipy"}
print("LOADED", *sorted(heavy & set(sys.modules)))
"""


def test_the_help_of_a_verb_loads_nothing_that_works() -> None:
    said = subprocess.run([sys.executable, "-c", HELP_OF_ALL], capture_output=True, text=True, check=True).stdout.splitlines()
    assert [line for line in said if line.startswith("ENDED")] == [f"ENDED {verb} 0" for verb in main.VERBS]
    assert said[-1] == "LOADED"
    assert said.count("Powered by Hydra (https://hydra.cc)") == len(main.VERBS)
