"""``cryosense export`` from its command line to its files."""

import sys
from pathlib import Path

import pytest

from cryosense.cli.export import main
from cryosense.data import ParticleStack
from tests.tasks.stacks import BOX, COUNT, PIXEL, change, write_stack


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["cryosense export", *words])
    main()


def test_files_beside_the_stack_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "C=2, tv"
    folder.mkdir()
    star = write_stack(folder)
    run(monkeypatch, str(star))
    pickles = [folder / "poses.pkl", folder / "ctf.pkl"]
    assert f"cryodrgn train_vae '{star}' --poses '{pickles[0]}' --ctf '{pickles[1]}'" in capsys.readouterr().out
    again = ParticleStack.open(folder / "particles.mrcs", pickles)
    assert (len(again), again.box_size, again.pixel_size_angstrom) == (COUNT, BOX, PIXEL)
    run(monkeypatch, f"data.path='{star}'", f"output_dir={tmp_path / 'elsewhere'}")
    assert (tmp_path / "elsewhere" / "ctf.pkl").read_bytes() == pickles[1].read_bytes()


def test_what_cannot_be_exported_ends_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    star = change(write_stack(tmp_path), {}, drop=("rlnAngleTilt",))
    with pytest.raises(SystemExit, match=r"^cryosense export: .*changed\.star: no column rlnAngleTilt"):
        run(monkeypatch, str(star))
    assert not list(tmp_path.glob("*.pkl"))
