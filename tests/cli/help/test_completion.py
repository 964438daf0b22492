"""Completion: what may follow, and that the shells ask for it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cryosense.cli.help.completion import SHELLS, candidates
from cryosense.cli.main import VERBS

SPOKEN = [
    ("cryosense recon", ["reconstruct"]),
    ("cryosense reconstruct operator", ["operator=", "operator/masks=", "operator.symmetric=", "operator.per_particle="]),
    ("cryosense reconstruct operator=", ["operator=fourier", "operator=pixel", "operator=signed_binning"]),
    ("cryosense reconstruct -m reconstructor=pinv,t", ["reconstructor=pinv,tv"]),
    ("cryosense reconstruct write_images=f", ["write_images=false"]),
    ("cryosense reconstruct data.path=par", ["data.path=particles.star", "data.path=parts/"]),
    ("cryosense export par", ["particles.star", "parts/"]),
    ("cryosense reconstruct --help block", []),
    ("cryosense reconstruct --help operator.bl", ["operator.block_size"]),
    ("cryosense --completion ", list(SHELLS)),
    ("cryosense nothing op", []),
]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with files to complete, and the command on the path."""
    (tmp_path / "particles.star").touch()
    (tmp_path / "parts").mkdir()
    command = tmp_path / "bin" / "cryosense"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m cryosense "$@"\n')
    command.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{command.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[3]), os.environ.get("PYTHONPATH", "")]))
    return tmp_path


@pytest.mark.parametrize(("line", "found"), SPOKEN)
def test_candidates(here: Path, line: str, found: list[str]) -> None:
    assert set(found) <= set(candidates(line, VERBS))
    assert bool(found) == bool(candidates(line, VERBS))


def test_every_verb_at_first() -> None:
    assert candidates("cryosense ", VERBS) == list(VERBS)


BASH = """
source <(cryosense --completion bash)
complete -p cryosense
COMP_LINE=$1; COMP_POINT=${#1}; _cryosense
printf '%s\\n' "${COMPREPLY[@]}"
"""
ZSH = """
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'PS1=; autoload -U compinit; compinit -u -D; source <(cryosense --completion zsh); print READY'
zpty -r -m shell out '*READY*READY*'
zpty -n -w shell "$1"$'\\t\\t'
sleep 3
zpty -r -t shell out '*'; print -r -- $out
while zpty -r -t shell more; do print -r -- $more; done
zpty -d shell
"""


@pytest.mark.parametrize("line", ["cryosense ", "cryosense reconstruct operator="])
def test_bash(here: Path, line: str) -> None:
    said = subprocess.run(["bash", "-c", BASH, "bash", line], capture_output=True, text=True, check=True).stdout.splitlines()
    assert "-F _cryosense cryosense" in said[0]
    # Bash takes = for the end of a word, and wants what comes after it.
    assert said[1:] == [word.removeprefix("operator=") for word in candidates(line, VERBS)]


@pytest.mark.parametrize("line", ["cryosense ", "cryosense reconstruct operator="])
def test_fish(here: Path, line: str) -> None:
    fish = shutil.which("fish") or pytest.skip("fish is not installed")
    script = f"cryosense --completion fish | source; complete -C '{line}'"
    said = subprocess.run([fish, "--no-config", "-c", script], capture_output=True, text=True, check=True).stdout.splitlines()
    assert set(said) == set(candidates(line, VERBS))


@pytest.mark.parametrize(
    ("line", "word"), [("cryosense ", "compare-models"), ("cryosense reconstruct operator=", "signed_binning")]
)
def test_zsh(here: Path, line: str, word: str) -> None:
    zsh = shutil.which("zsh") or pytest.skip("zsh is not installed")
    said = subprocess.run([zsh, "-f", "-c", ZSH, "zsh", line], capture_output=True, text=True, check=False, timeout=60)
    assert word in said.stdout
