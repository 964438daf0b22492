"""What the input explains becomes one line in the keys of the configuration; everything else keeps its traceback."""

from pathlib import Path

import pytest

from cryosense.cli import main
from cryosense.cli.refusal import one_line
from cryosense.errors import ArgumentError
from cryosense.files.writing import write_torch
from cryosense.simulation import particles
from tests.cli.verbs import run_verb


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["simulate", "snr=-1"], "snr must be positive, not -1"),
        (["simulate", "microscope.amplitude_contrast=2"], "microscope.amplitude_contrast"),
        (["simulate", "density.hinge_angles_deg=[]"], "density.hinge_angles_deg"),
        (["simulate", "+simulator.colour=red"], "simulator: .*colour"),
        (["simulate", "colour=red"], ".*colour"),
        (["train", "data.directory=made", 'data.overrides=["count=4"]', "steps=0"], "steps must be at least 1, not 0"),
        (["backproject", "data.path=none.mrcs"], "none.mrcs: no such file"),
        (["reconstruct", "data.directory=made", 'data.overrides=["count=4","snr=-1"]'], "snr must be positive"),
        (["reconstruct", "data.directory=made", 'data.overrides=["colour=red"]'], ".*colour"),
    ],
)
def test_in_one_line_by_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=rf"^cryosense {words[0]}: {said}") as stopped:
        run_verb(monkeypatch, *words)
    assert "\n" not in str(stopped.value)


@pytest.mark.parametrize("option", [["--traceback"], []])
def test_a_traceback_is_to_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: list[str]) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CRYOSENSE_TRACEBACK", "0" if option else "1")
    with pytest.raises(Exception, match="snr must be positive") as raised:
        run_verb(monkeypatch, "simulate", *option, "snr=-1")
    assert not isinstance(raised.value, SystemExit)
    assert isinstance(raised.value.__cause__, ArgumentError)


@pytest.mark.parametrize("defect", [ValueError("of a library"), TypeError("of ours"), KeyError("x"), OSError("no file named")])
def test_a_defect_keeps_its_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, defect: Exception) -> None:
    def fail(self: object) -> None:
        raise defect

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(particles.ParticleSimulator, "__post_init__", fail)
    with pytest.raises(Exception, match=str(defect).strip("'")) as raised:
        run_verb(monkeypatch, "simulate")
    assert raised.value.__cause__ is defect


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(28, "No space left on device"), "No space left on device"),
        (FileNotFoundError(2, "No such file", "a.star"), "a.star: No such file$"),
        (OSError(28, "No space left on device", "a.csv"), "a.csv: No space left on device: make room there$"),
        (OSError(30, "Read-only file system", "out"), "out: Read-only file system: choose another place$"),
        (ArgumentError("two\n  lines\x1b[2J"), r"two; lines\\x1b\[2J$"),
        (ArgumentError("x" * 10**6), r"x{2000} \.\.\.$"),
    ],
)
def test_files_and_hostile_words(error: Exception, line: str) -> None:
    with pytest.raises(SystemExit, match=f"^cryosense verb: .*{line}"), one_line("verb"):
        raise error


def test_a_full_disk_is_named_also_where_torch_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 12992 vs 12896\nmore")

    monkeypatch.setattr("torch.save", full)
    with (
        pytest.raises(SystemExit, match=r"^cryosense verb: .*sums\.pt: .*is the disk full.*: make room there"),
        one_line("verb"),
    ):
        write_torch(tmp_path / "sums.pt", {})
    assert not list(tmp_path.iterdir())


def test_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["cryosense", "--version"])
    assert main.main() == 0
    assert capsys.readouterr().out.startswith("cryosense 0.")
