"""CTFs of a STAR file reach ``reconstruct`` and ``train`` through their command lines, from stacks and measurement files."""

import json
import sys
from pathlib import Path

import mrcfile
import numpy as np
import pandas as pd
import pytest
import starfile

from cryosense.cli.main import main
from tests.tasks.stacks import change, write_stack

pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning's, of other libraries and of small data
SWAPPED = [3, 5]  # of one optics group, not held back
POSTERIOR = ["reconstructor=posterior", "denoiser=gaussian_clean", "reconstructor.network_evaluations=3", "scaling=as_is"]
QUICK = ["scores.lpips=null", "fitting.held_back=4", "draw_example=false"]


@pytest.fixture
def star(tmp_path: Path) -> Path:
    return write_stack(tmp_path)


def swapped(star: Path) -> Path:
    """-> the same file with the defoci of two particles in each other's place."""
    table, columns = starfile.read(star, always_dict=True)["particles"], ["rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle"]
    table.loc[SWAPPED, columns] = table.loc[SWAPPED[::-1], columns].to_numpy()
    return change(star, {name: table[name] for name in columns})


def ran(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["cryosense", *words])
    main()


def reconstructed(monkeypatch: pytest.MonkeyPatch, output: Path, path: Path, *words: str) -> np.ndarray:
    ran(monkeypatch, "reconstruct", f"data.path={path}", f"output_dir={output}", *QUICK, *words)
    return mrcfile.read(next(output.glob("*/particles.mrcs")))


def test_the_posterior_takes_each_particle_through_the_ctf_of_its_row(
    star: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever the chunks."""
    known = reconstructed(monkeypatch, tmp_path / "known", star, *POSTERIOR)
    assert f"takes images as seen through the CTFs in {star} (ctf=none: does not)" in capsys.readouterr().err
    assert np.array_equal(known, reconstructed(monkeypatch, tmp_path / "chunks", star, *POSTERIOR, "chunk_size=7"))
    other = reconstructed(monkeypatch, tmp_path / "swapped", swapped(star), *POSTERIOR)
    differ = np.flatnonzero((other != known).any((1, 2)))
    assert differ.tolist() == SWAPPED
    capsys.readouterr()
    unknown = reconstructed(monkeypatch, tmp_path / "none", star, *POSTERIOR, "ctf=none")
    assert "CTF" not in capsys.readouterr().err
    assert (unknown != known).any((1, 2)).all()


def test_a_measurement_file_has_the_table_in_it(
    star: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Unless another takes its place."""
    file, stack = tmp_path / "measured.cryo.h5", f"data.reference={star.with_suffix('.mrcs')}"
    ran(monkeypatch, "measure", f"data.path={star}", f"output={file}", "scaling=as_is", "operator=pixel", "compression=2")
    words = [*POSTERIOR[:-1], stack]
    known = reconstructed(monkeypatch, tmp_path / "known", file, *words)
    assert f"takes images as seen through the CTFs in {file}" in capsys.readouterr().err
    unknown = reconstructed(monkeypatch, tmp_path / "none", file, *words, "ctf=none")
    assert (unknown != known).any((1, 2)).all()
    other = reconstructed(monkeypatch, tmp_path / "swapped", file, *words, f"data.metadata={swapped(star)}")
    assert np.flatnonzero((other != known).any((1, 2))).tolist() == SWAPPED


def test_a_run_of_other_ctfs_is_not_gone_on_with_and_treated_images_are_refused(
    star: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Methods that know no CTF do as before."""
    blocks = starfile.read(star, always_dict=True)
    blocks["optics"]["rlnCtfDataAreCtfPremultiplied"] = 1
    treated = tmp_path / "treated.star"
    starfile.write(blocks, treated)
    with pytest.raises(SystemExit) as refused:
        reconstructed(monkeypatch, tmp_path / "refused", treated, *POSTERIOR)
    assert "rlnCtfDataAreCtfPremultiplied is 1" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "refused").exists()
    pinv = [reconstructed(monkeypatch, tmp_path / f"pinv{i}", each) for i, each in enumerate((star, treated))]
    assert np.array_equal(*pinv)
    reconstructed(monkeypatch, tmp_path / "out", star, *POSTERIOR)
    star.write_bytes(swapped(star).read_bytes())
    with pytest.raises(SystemExit):
        reconstructed(monkeypatch, tmp_path / "out", star, *POSTERIOR)


def test_a_solver_is_trained_on_varied_particles_and_told_their_ctfs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """20 steps on 200 particles, each micrograph with a pixel size of its own; then it reconstructs."""
    data, run = tmp_path / "many", tmp_path / "run"
    ran(
        monkeypatch,
        "simulate",
        "simulator=varied",
        "count=200",
        "box_size=32",
        f"output_dir={data}",
        "pixel_size_angstrom=[3,8]",
    )
    stack = [f"data.path={data / 'particles.star'}", f"data.clean_path={data / 'clean.mrcs'}"]
    train = ["train", "model=unrolled", "network=unrolled_told", "network.iterations=2", "network.channels=4", "steps=20"]
    often = ["batch_size=8", "trainer.log_every_n_steps=1", "training.validate_every=10", "training.checkpoint_every=10"]
    capsys.readouterr()
    ran(monkeypatch, *train, *often, *stack, f"output_dir={run}")
    assert "cryosense train: takes images as seen through the CTFs in" in capsys.readouterr().err
    losses = pd.read_csv(run / "losses.csv")
    assert losses["train/loss"].notna().sum() == 20
    assert np.isfinite(losses["train/loss"].dropna()).all()
    assert json.loads((run / "model" / "solver.json").read_text())["ctf"] is True
    own = ["reconstructor=unrolled", f"reconstructor.path={run / 'model'}", "particles=6"]
    blocks = starfile.read(data / "particles.star", always_dict=True)
    blocks["particles"] = blocks["particles"].query("rlnOpticsGroup == 1")  # of one pixel size
    starfile.write(blocks, data / "one.star")
    made = [reconstructed(monkeypatch, tmp_path / ctf, data / "one.star", *own, f"ctf={ctf}") for ctf in ("auto", "none")]
    assert not np.array_equal(*made)
    with pytest.raises(SystemExit, match="augmentation=any_angle does not turn the CTFs"):
        ran(monkeypatch, *train, *stack, "augmentation=any_angle", f"output_dir={tmp_path / 'turned'}")
