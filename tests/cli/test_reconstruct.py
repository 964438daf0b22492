"""``cryosense reconstruct`` through its real command line: from files to files, killed, resumed, refused."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import mrcfile
import numpy as np
import pandas as pd
import pytest
import starfile
import torch
from PIL import Image

from cryosense.cli.reconstruct import main
from cryosense.data import StackWriter, write_star
from tests.cli.verbs import refusal

COMMAND = [sys.executable, "-c", "import sys; from cryosense.cli.main import main; sys.exit(main())"]
QUICK = ["scores.lpips=null", "draw_example=false", "fitting.held_back=4", "fitting.tuning_images=4"]
QUICK.append("fitting.relative_weights=[0.01,0.1]")
COUNT, BOX = 24, 32


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """A stack of its own kind: pixel size 2.5, a STAR with two optics groups and a column that nobody knows."""
    images = torch.randn(COUNT, 1, BOX, BOX, generator=torch.Generator().manual_seed(0))
    path = tmp_path / "in" / "particles.mrcs"
    with StackWriter(path, COUNT, BOX, 2.5) as writer:
        writer.write(0, images)
        writer.finish()
    table = pd.DataFrame(
        {
            "rlnImageName": [f"{i + 1:06d}@particles.mrcs" for i in range(COUNT)],
            "rlnOpticsGroup": [1 + i % 2 for i in range(COUNT)],
            "rlnDefocusU": [10000.0 + i for i in range(COUNT)],
            "labNotebookPage": [f"page-{i}" for i in range(COUNT)],
        }
    )
    optics = pd.DataFrame(
        {
            "rlnOpticsGroup": [1, 2],
            "rlnOpticsGroupName": ["a", "b"],
            "rlnVoltage": [300.0, 200.0],
            "rlnImagePixelSize": [2.5, 2.5],
            "rlnImageSize": [BOX, BOX],
        }
    )
    write_star(path.with_suffix(".star"), path, table, optics, box_size=BOX, pixel_size_angstrom=2.5)
    return path.with_suffix(".star")


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["cryosense reconstruct", *QUICK, *words])
    main()


def finished(folder: Path) -> list[Path]:
    return sorted(path.parent for path in folder.glob("*/done.json"))


def rows_of(folder: Path) -> pd.DataFrame:
    rows = pd.concat([pd.read_parquet(run / "rows.parquet") for run in finished(folder)])
    return rows.drop(columns="seconds").sort_values(["run_id", "particle"]).reset_index(drop=True)


def test_a_star_goes_in_and_a_stack_and_a_star_come_out(stack: Path, tmp_path: Path) -> None:
    """As a new process, from another folder, with the real words."""
    words = [
        f"data.path={stack}",
        f"output_dir={tmp_path / 'out'}",
        "reconstructor=dct",
        "chunk_size=7",
        *QUICK,
        "draw_example=true",
    ]
    done = subprocess.run([*COMMAND, "reconstruct", *words], cwd=tmp_path, capture_output=True, text=True, check=True)
    (folder,) = finished(tmp_path / "out")
    scores, images, pictures, last = done.stdout.splitlines()
    assert scores.startswith("20 particles: psnr ")
    assert images == f"images of {COUNT} particles, for RELION: {folder}/particles.star"
    assert pictures.endswith(f"{folder}/example.png")
    assert last == str(folder)
    with mrcfile.open(folder / "particles.mrcs") as mrc:
        assert mrc.voxel_size.x == pytest.approx(2.5)
        assert mrc.data.shape == (COUNT, BOX, BOX)
        written = mrc.data.copy()
    before, after = starfile.read(stack), starfile.read(folder / "particles.star")
    pd.testing.assert_frame_equal(after["optics"], before["optics"])
    untouched = ["rlnOpticsGroup", "rlnDefocusU", "labNotebookPage"]
    pd.testing.assert_frame_equal(after["particles"][untouched], before["particles"][untouched])
    named = f"{folder.relative_to(tmp_path)}/particles.mrcs"  # from where it was started, as RELION is
    assert after["particles"]["rlnImageName"].tolist() == [f"{i + 1:06d}@{named}" for i in range(COUNT)]
    with mrcfile.open(stack.with_suffix(".mrcs")) as mrc:
        for i in (0, 13, 23):  # in order, and in the units of the stack
            matches = [np.corrcoef(written[i].ravel(), image.ravel())[0, 1] for image in mrc.data]
            assert int(np.argmax(matches)) == i
    rows = pd.read_parquet(folder / "rows.parquet")
    assert rows["particle"].tolist() == list(range(COUNT))
    assert rows["held_back"].sum() == 4
    assert (rows["gap"] <= 1e-4).all()
    fit = json.loads((folder / "fit.json").read_text())
    assert rows["weight"].unique().tolist() == [fit["weight"]["chosen"]]
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["run_id"] == rows["run_id"][0]
    with Image.open(folder / "example.png") as picture:
        assert picture.width > 500


@pytest.mark.parametrize("noise", ["none", "gaussian", "poisson"])
@pytest.mark.parametrize("per_particle", ["true", "false"])
def test_chunks_make_no_difference(
    stack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, noise: str, per_particle: str
) -> None:
    words = [f"data.path={stack}", f"noise={noise}", f"operator.per_particle={per_particle}", "reconstructor=wiener"]
    for chunk in (24, 5):
        run(monkeypatch, *words, f"output_dir={tmp_path / str(chunk)}", f"chunk_size={chunk}")
    whole, parts = rows_of(tmp_path / "24"), rows_of(tmp_path / "5")
    pd.testing.assert_frame_equal(whole, parts, rtol=1e-4, atol=1e-6)


def test_shards_together_are_the_whole(stack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = [f"data.path={stack}", "reconstructor=wiener", "noise=gaussian", "operator.per_particle=true"]
    run(monkeypatch, *words, f"output_dir={tmp_path / 'whole'}")
    for index in (0, 1, 2):
        run(monkeypatch, *words, f"output_dir={tmp_path / 'shards'}", f"shard.index={index}", "shard.count=3")
    numbers = ["particle", "held_back", "psnr", "ssim", "measurement_mse"]
    shards = rows_of(tmp_path / "shards")[numbers].sort_values("particle", ignore_index=True)
    pd.testing.assert_frame_equal(rows_of(tmp_path / "whole")[numbers], shards, rtol=1e-4)


def test_some_particles_are_spread_over_the_stack_and_keep_their_numbers(
    stack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [f"data.path={damaged(stack, i5=np.nan, i10=1.0)}", f"output_dir={tmp_path / 'out'}", "particles=6"]
    with pytest.raises(SystemExit, match=r"1 unusable particle.*10 \(constant\)"):
        run(monkeypatch, *words)
    run(monkeypatch, *words, "data_checks.skip_bad=true")
    assert rows_of(tmp_path / "out")["particle"].tolist() == [2, 7, 15, 18, 23]


def test_a_sweep_killed_in_the_middle_goes_on(stack: Path, tmp_path: Path) -> None:
    """Eight cells, SIGKILL, the same command again: only what is missing is computed, and the rows are the same."""
    sweep = ["reconstruct", "-m", f"data.path={stack}", *QUICK, "chunk_size=2", "compression=2,4"]
    sweep.append("reconstructor=pinv,zero_filled,wiener,dct")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    killed = tmp_path / "killed"
    process = subprocess.Popen(
        [*COMMAND, *sweep, f"output_dir={killed}"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while len(finished(killed)) < 3 or not list(killed.glob("*/parts/*.parquet")):
        assert process.poll() is None, "the sweep ended before it could be killed"
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = {folder: (folder / "rows.parquet").stat().st_mtime_ns for folder in finished(killed)}
    assert 3 <= len(before) < 8
    for folder in (killed, tmp_path / "whole"):
        subprocess.run([*COMMAND, *sweep, f"output_dir={folder}"], env=environment, check=True, capture_output=True)
    assert len(finished(killed)) == 8
    assert {folder: (folder / "rows.parquet").stat().st_mtime_ns for folder in before} == before
    pd.testing.assert_frame_equal(rows_of(killed), rows_of(tmp_path / "whole"))
    for one, other in zip(finished(killed), finished(tmp_path / "whole"), strict=True):
        assert (one / "particles.mrcs").read_bytes() == (other / "particles.mrcs").read_bytes()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["operator=pixel", "operator.block_size=5"], "block_size=5 does not divide the box of 32 px"),
        (["compression=0.5"], "compression=0.5 is below 1"),
        (["operator=pixel", "compression=20"], "compression=20 is more than operator.block_size=4 allows"),
        (["reconstructor=dct", "reconstructor.weight=-1"], "reconstructor.weight=-1"),
        (["reconstructor=wavelet", "reconstructor.prior.basis.wavelet=bior2.2"], "bior2.2 is not orthogonal"),
        (
            ["reconstructor=wavelet", "reconstructor.prior.basis.levels=9", "reconstructor.weight=1"],
            "allows 1 to 5 levels",
        ),
        (["fitting.target=clean", "reconstructor=wiener"], "no clean images are known: give data.clean_path"),
        (["fitting.held_back=24", "reconstructor=wiener"], "none can be held back"),
        (["operator/masks=variable_density"], "keep_probability_per_shell"),
        (["noise=gaussian", "noise.units=measurement"], "noise before the mask is in image units"),
        (["shard.index=2", "shard.count=2"], "shard.index=2"),
        (["particles=25"], "particles=25: the stack has 24"),
        (["geometry=centre_crop", "geometry.size=15"], "15"),
        (["scores.lpips.weights_path=nowhere.npz"], "nowhere.npz"),
    ],
)
def test_bad_input_ends_in_one_line_before_any_work(
    stack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    quick = [word for word in QUICK if not any(word.split("=")[0] == other.split("=")[0] for other in words)]
    if words[0].startswith("scores"):
        quick.remove("scores.lpips=null")
    monkeypatch.setattr(sys, "argv", ["x", *quick, f"data.path={stack}", f"output_dir={tmp_path / 'out'}", *words])
    assert message in refusal(main)
    assert not (tmp_path / "out").exists()


def test_a_full_disk_is_noticed_before_the_work_and_the_run_can_be_started_again(stack: Path, tmp_path: Path) -> None:
    """No file may grow beyond half of the stack to be written; then it may."""
    words = [*COMMAND, "reconstruct", f"data.path={stack}", f"output_dir={tmp_path / 'out'}", *QUICK]
    limit = COUNT * BOX**2 * 2

    def cramped() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    refused = subprocess.run(words, preexec_fn=cramped, capture_output=True, text=True)
    assert refused.returncode == 1
    assert "no room for a stack" in refused.stderr
    subprocess.run(words, check=True, capture_output=True)
    assert len(rows_of(tmp_path / "out")) == COUNT


def damaged(stack: Path, **change: object) -> Path:
    """A copy of the images as ``.npy`` with some replaced, by number."""
    with mrcfile.open(stack.with_suffix(".mrcs")) as mrc:
        images = mrc.data.copy()
    for number, value in change.items():
        images[int(number[1:])] = value
    path = stack.with_name("damaged.npy")
    np.save(path, images)
    return path


def test_unusable_particles_are_named_or_left_out(stack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = damaged(stack, i3=np.nan, i7=1.0)
    words = [f"data.path={path}", f"output_dir={tmp_path / 'out'}", "noise=gaussian"]
    with pytest.raises(SystemExit, match=r"2 unusable particle.*3 \(not finite\), 7 \(constant\).*skip_bad=true"):
        run(monkeypatch, *words)
    run(monkeypatch, *words, "data_checks.skip_bad=true")
    rows = rows_of(tmp_path / "out")
    assert rows["particle"].tolist() == [i for i in range(COUNT) if i not in (3, 7)]
    run(monkeypatch, f"data.path={stack}", f"output_dir={tmp_path / 'all'}", "noise=gaussian", "scaling=unit_interval")
    run(
        monkeypatch,
        *words[:1],
        words[2],
        f"output_dir={tmp_path / 'some'}",
        "data_checks.skip_bad=true",
        "scaling=unit_interval",
    )
    kept = rows_of(tmp_path / "all").set_index("particle").drop([3, 7])["psnr"]
    pd.testing.assert_series_equal(rows_of(tmp_path / "some").set_index("particle")["psnr"], kept)


def test_other_data_under_the_same_name_are_not_mixed_in(stack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = damaged(stack)
    words = [f"data.path={path}", f"output_dir={tmp_path / 'out'}"]
    run(monkeypatch, *words)
    (folder,) = finished(tmp_path / "out")
    kept = (folder / "rows.parquet").read_bytes()
    run(monkeypatch, *words)  # done: nothing to do
    damaged(stack, i0=0.5 * np.eye(BOX))
    with pytest.raises(SystemExit, match="other images under the same path"):
        run(monkeypatch, *words)
    (folder / "config.yaml").write_text("compression: 3\n")
    with pytest.raises(SystemExit, match="another configuration"):
        run(monkeypatch, *words)
    assert (folder / "rows.parquet").read_bytes() == kept
