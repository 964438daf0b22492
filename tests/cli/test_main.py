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
    said = capsys.readouterr().err
    assert f"no verb 'reconstrut'; the nearest is reconstruct. There are {', '.join(main.VERBS)}" in said


HELP_OF_ALL = """
import sys
from cryosense.cli.main import VERBS, main

for verb in VERBS:
    sys.argv = ["cryosense", verb, "a_file", "--help"]
    print("ENDED", verb, main())
heavy = {"torch", "pandas", "matplotlib", "lightning", "diffusers", "torchvision", "scipy", "hydra", "omegaconf"}
print("LOADED", *sorted(heavy & set(sys.modules)))
"""


def test_the_help_of_a_verb_loads_nothing_that_works() -> None:
    said = subprocess.run([sys.executable, "-c", HELP_OF_ALL], capture_output=True, text=True, check=True).stdout.splitlines()
    assert [line for line in said if line.startswith("ENDED")] == [f"ENDED {verb} 0" for verb in main.VERBS]
    assert said[-1] == "LOADED"
    assert [line for line in said if line in {f"cryosense {verb}" for verb in main.VERBS}] == [
        f"cryosense {verb}" for verb in main.VERBS
    ]


def test_help_is_of_this_verb_and_of_what_is_chosen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, "reconstruct", "operator=pixel", "--help")
    said = capsys.readouterr().out
    assert "operator.block_size=4" in said
    assert "operator.symmetric" not in said
    assert "density" not in said
    run(monkeypatch, "simulate", "--help")
    assert "reconstructor" not in capsys.readouterr().out


def test_help_about_a_key(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "reconstruct", "--help", "block_size") == 0
    assert capsys.readouterr().out.startswith("operator.block_size=4\n    K in pixels")
    assert run(monkeypatch, "reconstruct", "--help", "sampler") == 0
    assert "sampler=nesterov" in capsys.readouterr().out
    assert run(monkeypatch, "reconstruct", "--help", "blocksize") == 1
    assert "the nearest is operator.block_size" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--help"], ["reconstruct", "--help"]])
def test_a_reader_who_leaves_early_is_no_error(words: list[str]) -> None:
    command = [sys.executable, "-m", "cryosense", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""


REFUSED = """
import sys
from cryosense.cli.main import main

for words in (
    "reconstruct geometry=128",
    "reconstruct data.path=particles.star compresion=2",
    "reconstruct -m colour=red reconstructor=pinv,tv",
    "simulate count=1,2",
    "backproject --colour=red",
    "measure particles.star quantiser=unifrom",
    "collect runs more",
    "train model=dppm",
):
    sys.argv = ["cryosense", *words.split()]
    try:
        main()
    except SystemExit as refused:
        print("REFUSED", refused)
print("LOADED", *sorted({"torch", "pandas", "matplotlib", "lightning", "diffusers", "scipy", "numba"} & set(sys.modules)))
"""


def test_a_typing_error_is_told_before_anything_that_works_is_loaded() -> None:
    said = subprocess.run([sys.executable, "-c", REFUSED], capture_output=True, text=True, check=True).stdout.splitlines()
    assert [line.split(":")[0] for line in said[:-1]] == [
        f"REFUSED cryosense {verb}"
        for verb in ("reconstruct", "reconstruct", "reconstruct", "simulate", "backproject", "measure", "collect", "train")
    ]
    assert said[-1] == "LOADED"
