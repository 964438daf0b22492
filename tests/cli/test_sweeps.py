"""Sweeps of ``cryosense reconstruct``: launched anyhow they give the same rows; what fails is written down, and only that."""

import errno
import json
import os
import signal
import time
from pathlib import Path

import pandas as pd
import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import get_object
from omegaconf import open_dict

from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.sweeps import cell_overrides
from cryosense.runs.lock import LOCK
from cryosense.runs.provenance import sessions
from cryosense.runs.rows import RowWriter
from cryosense.tasks.reconstruct.fitting import Fitting
from tests.cli.sweeping import COUNT, FOUR, finished, rows_of, run_here, start, write_stack


@pytest.fixture
def stack(tmp_path: Path) -> str:
    return f"data.path={write_stack(tmp_path / 'particles.mrcs')}"


def cells(folder: Path) -> list[str]:
    return json.loads((folder / "sweep.json").read_text())["cells"]


def stamps(folder: Path) -> dict[Path, int]:
    return {run: (run / "rows.parquet").stat().st_mtime_ns for run in finished(folder)}


def test_a_cell_that_fails_is_listed_and_its_neighbours_are_intact(
    stack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A weight that is none fails one of three cells; a method that is added later is all that is computed then."""
    out = tmp_path / "out"
    with pytest.raises(SystemExit, match=r"1 of 3 cells failed:\n.*reconstructor.weight=-1.0: a positive weight"):
        run_here(monkeypatch, "-m", stack, f"output_dir={out}", "reconstructor=dct", "reconstructor.weight=0.1,-1.0,0.2")
    assert len(cells(out)) == 3
    (failed,) = sorted(path.parent for path in out.glob("*/error.json"))
    assert {out / name for name in cells(out)} == {failed, *finished(out)}
    error = json.loads((failed / "error.json").read_text())
    assert set(error) == {"error", "type", "traceback", "time"}
    assert error["type"] == "ArgumentError"
    assert "sparse.py" in error["traceback"]
    assert "weight: -1.0" in (failed / "config.yaml").read_text()
    before = stamps(out)
    run_here(monkeypatch, "-m", stack, f"output_dir={out}", "reconstructor=pinv,zero_filled")
    assert len(cells(out)) == 5
    assert {run: stamps(out)[run] for run in before} == before
    assert len(finished(out)) == 4


def test_a_disk_that_is_full_for_one_cell(stack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written stays; the same sweep again makes what is missing, and takes the error back."""
    out, append = tmp_path / "out", RowWriter.append

    def full(writer: RowWriter, start: int, rows: dict[str, object]) -> None:
        if rows["reconstructor"] == "dct" and start >= 10:
            raise OSError(errno.ENOSPC, "No space left on device")
        append(writer, start, rows)

    sweep = ["-m", stack, f"output_dir={out}", "reconstructor=pinv,dct,zero_filled", "chunk_size=5"]
    with monkeypatch.context() as cramped:
        cramped.setattr(RowWriter, "append", full)
        with pytest.raises(SystemExit, match=r"1 of 3 cells failed:\n.*dct.*No space left"):
            run_here(cramped, *sweep)
    before = stamps(out)
    assert len(before) == 2
    (failed,) = (path.parent for path in out.glob("*/error.json"))
    assert len(list((failed / "parts").iterdir())) == 2
    run_here(monkeypatch, *sweep)
    assert not list(out.glob("*/error.json"))
    assert {run: stamps(out)[run] for run in before} == before
    assert len(rows_of(out)) == 3 * COUNT


def test_a_cell_in_other_hands_is_left_to_them(
    stack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    sweep = ["-m", stack, f"output_dir={out}", "reconstructor=pinv,zero_filled"]
    run_here(monkeypatch, *sweep)
    other = finished(out)[0]
    (other / "done.json").unlink()
    (other / LOCK).write_text(json.dumps({"host": "elsewhere", "pid": 1, "started": None, "time": "now"}))
    with pytest.raises(SystemExit, match="1 of 2 cells are not done"):
        run_here(monkeypatch, *sweep)
    said = capsys.readouterr().out
    assert f"left to others: {other}: process 1 on elsewhere is at work on it" in said
    assert "1 of 2 cells are done, 1 are in other hands" in said
    assert not (other / "error.json").exists()
    assert (other / LOCK).exists()


def test_cells_that_cannot_be_composed_are_named_and_the_others_run(
    stack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    with pytest.raises(SystemExit, match=r"1 of 3 cells failed:\n.*reconstructor/absent"):
        run_here(monkeypatch, "-m", stack, f"output_dir={out}", "reconstructor=pinv,absent,zero_filled")
    assert len(finished(out)) == len(cells(out)) == 2
    assert "left out: " in capsys.readouterr().err
    run_here(monkeypatch, "-m", stack, f"output_dir={out}", "reconstructor=pinv,dct")  # the next sweep is whole again
    assert len(finished(out)) == 3


def test_a_sweep_of_which_nothing_can_be_composed_ends_in_one_line_before_any_work(
    stack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    with pytest.raises(SystemExit, match="absent"):
        run_here(monkeypatch, "-m", stack, f"output_dir={out}", "reconstructor=absent,missing")
    assert not out.exists()


def test_shards_become_the_run(stack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte for byte, whichever is last; the weight is chosen once for all of them."""
    tried = []
    score = Fitting._mean_score
    monkeypatch.setattr(Fitting, "_mean_score", lambda *given: (tried.append(given), score(*given))[1])
    words = [stack, "reconstructor=dct", "noise=gaussian", "chunk_size=5"]
    run_here(monkeypatch, *words, f"output_dir={tmp_path / 'whole'}")
    tried.clear()
    for index in (2, 0, 1):
        assert not finished(tmp_path / "shards")
        run_here(monkeypatch, *words, f"output_dir={tmp_path / 'shards'}", f"shard.index={index}", "shard.count=3")
    assert len(tried) == 2
    ((whole,), (merged,)) = finished(tmp_path / "whole"), finished(tmp_path / "shards")
    assert merged.name == whole.name
    assert {path.name for path in merged.iterdir()} == {path.name for path in whole.iterdir()}
    for name in (
        "code.txt",
        "config.yaml",
        "data.txt",
        "fit.json",
        "particles.mrcs",
        "summary.json",
        "masks.npz",
    ):
        assert (merged / name).read_bytes() == (whole / name).read_bytes(), name
    pd.testing.assert_frame_equal(rows_of(tmp_path / "whole"), rows_of(tmp_path / "shards"), check_exact=True)
    assert [session["ended"] is not None for session in sessions(merged)] == [True] * 4
    before = stamps(tmp_path / "shards")
    run_here(monkeypatch, *words, f"output_dir={tmp_path / 'shards'}", "shard.index=1", "shard.count=3")
    run_here(monkeypatch, *words, f"output_dir={tmp_path / 'shards'}")
    assert stamps(tmp_path / "shards") == before


def test_masks_of_single_particles_keep_their_places_when_shards_merge(
    stack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [stack, "operator.per_particle=true", "chunk_size=6"]
    run_here(monkeypatch, *words, f"output_dir={tmp_path / 'whole'}")
    for index in (0, 1):
        run_here(monkeypatch, *words, f"output_dir={tmp_path / 'shards'}", f"shard.index={index}", "shard.count=2")
    whole, merged = (finished(tmp_path / name)[0] / "masks" for name in ("whole", "shards"))
    assert [path.name for path in sorted(merged.iterdir())] == [path.name for path in sorted(whole.iterdir())]
    for path in whole.iterdir():
        assert (merged / path.name).read_bytes() == path.read_bytes()


@pytest.fixture
def serial_rows(stack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    run_here(monkeypatch, "-m", stack, f"output_dir={tmp_path / 'serial'}", *FOUR)
    return rows_of(tmp_path / "serial")


@pytest.mark.slow
def test_workers_killed_and_started_again_give_the_rows_of_a_serial_sweep(
    stack: str, tmp_path: Path, serial_rows: pd.DataFrame
) -> None:
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    out = tmp_path / "out"
    sweep = ["-m", stack, f"output_dir={out}", *FOUR, "hydra/launcher=processes", "chunk_size=3"]
    process = start(*sweep)
    while not list(out.glob("*/lock.json")):
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert len(finished(out)) < 4
    again = start(*sweep)
    said = again.communicate()[0]
    assert again.returncode == 0, said
    pd.testing.assert_frame_equal(rows_of(out), serial_rows, check_exact=True)
    assert not list(out.glob("*/lock.json"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("plugin", "launcher"),
    [
        ("hydra_plugins.hydra_submitit_launcher", ["hydra/launcher=queue", "hydra.sweeper.max_batch_size=2"]),
        ("ray", ["hydra/launcher=cluster", "+hydra.launcher.ray.init.num_cpus=2"]),
    ],
)
def test_other_launchers_give_the_rows_of_a_serial_sweep(
    stack: str, tmp_path: Path, serial_rows: pd.DataFrame, plugin: str, launcher: list[str]
) -> None:
    pytest.importorskip(plugin)
    process = start("-m", stack, f"output_dir={tmp_path / 'out'}", *FOUR, *launcher)
    said = process.communicate()[0]
    assert process.returncode == 0, said
    pd.testing.assert_frame_equal(rows_of(tmp_path / "out"), serial_rows, check_exact=True)


@pytest.mark.parametrize(
    ("launcher", "plugin"),
    [("processes", "joblib"), ("queue", "submitit"), ("slurm", "submitit"), ("cluster", "ray")],
)
def test_launchers_are_of_their_plugins(launcher: str, plugin: str) -> None:
    pytest.importorskip(f"hydra_plugins.hydra_{plugin}_launcher")
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("reconstruct", overrides=[f"hydra/launcher={launcher}"], return_hydra_config=True)
    target = cfg.hydra.launcher._target_
    assert plugin in target
    assert callable(get_object(target))


@pytest.mark.parametrize(
    ("experiment", "cells"),
    [
        ("curves_pixel", 4 * 10),
        ("curves_pixel_k2", 4),
        ("curves_fourier", 3 * 10),
        ("table_pixel", 5),
        ("table_fourier", 3 * 2),
        ("noise", 2 * 2),
        ("fsc", 2 * 4),
    ],
)
def test_the_grid_has_the_papers_cells(experiment: str, cells: int) -> None:
    """For each reconstructor: block sizes or mask families, times compressions, times noise."""
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("reconstruct", overrides=[f"experiment={experiment}"], return_hydra_config=True)
        with open_dict(cfg):
            cfg.hydra.overrides.task = []
        combinations = cell_overrides(cfg)
    methods = {word for words in combinations for word in words if word.startswith("reconstructor=")}
    assert {"reconstructor=pinv", "reconstructor=dct", "reconstructor=tv", "reconstructor=posterior"} <= methods
    assert len(combinations) == cells * len(methods)
