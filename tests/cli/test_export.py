"""``cryosense export`` from its command line to its files."""

import shlex
import sys
from pathlib import Path

import pytest
import starfile

from cryosense.cli.export import main
from cryosense.data import ParticleStack
from tests.cli.verbs import cryosense
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


@pytest.mark.parametrize("named", ["from the project", "from elsewhere", "absolutely"])
def test_cryodrgn_finds_the_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], named: str
) -> None:
    """It joins --datadir, by default the table's folder, and the names; absolute ones must begin with it."""
    images = tmp_path / "project" / "Extract" / "job012"
    table = tmp_path / "project" / "Refine3D" / "job020"
    for folder in (images, table):
        folder.mkdir(parents=True)
    star = table / "run_data.star"
    star.write_text(change(write_stack(images), {}).read_text().replace("particles.mrcs", "Extract/job012/particles.mrcs"))
    monkeypatch.chdir(tmp_path / "project")
    words = ["Refine3D/job020/run_data.star"]
    if named == "absolutely":
        star.write_text(star.read_text().replace("@Extract", f"@{tmp_path}/project/Extract"))
    if named == "from elsewhere":
        monkeypatch.chdir(tmp_path)
        words = [str(star.relative_to(tmp_path))]
    run(monkeypatch, *words)
    line = shlex.split(capsys.readouterr().out.splitlines()[-1])
    datadir = Path(line[line.index("--datadir") + 1])
    assert line[2] == words[0]
    assert (datadir / starfile.read(star)["particles"]["rlnImageName"][0].split("@")[1]).samefile(images / "particles.mrcs")
    assert datadir == (Path("/") if named == "absolutely" else tmp_path / "project")


def test_what_cryodrgn_cannot_open_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    star = write_stack(tmp_path)
    cryosense(monkeypatch, "measure", str(star), f"output={tmp_path / 'few.cryo.h5'}")
    with pytest.raises(SystemExit, match=r"^cryosense export: data\.path=.*few\.cryo\.h5: cryoDRGN reads no meas"):
        run(monkeypatch, str(tmp_path / "few.cryo.h5"))
    (tmp_path / "elsewhere").mkdir()
    moved = tmp_path / "elsewhere" / "moved.star"
    moved.write_text(star.read_text().replace("particles.mrcs", "gone/particles.mrcs"))
    (tmp_path / "elsewhere" / "particles.mrcs").symlink_to(tmp_path / "particles.mrcs")
    with pytest.raises(SystemExit, match=r"rlnImageName gone/particles\.mrcs leads .*: cryoDRGN would not find them"):
        run(monkeypatch, str(moved))
    assert not list(tmp_path.rglob("*.pkl"))
