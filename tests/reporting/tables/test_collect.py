"""Collecting: every finished run counts once, and every other is listed."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cryosense.errors import NoRunError
from cryosense.reporting.tables.collect import collect
from tests.tasks.runs import IMAGES, PIXEL, write_run, write_sweep


def test_all_finished_runs_at_any_depth(tmp_path: Path) -> None:
    write_sweep(tmp_path / "a" / "b")
    write_run(tmp_path / "single", PIXEL, "wiener", kept=8)
    collected = collect(tmp_path)
    assert len(collected.runs) == 7
    assert collected.left_out == ()
    assert collected.rows.groupby("run_id").size().tolist() == [IMAGES] * 7
    assert len(collect(tmp_path / "single").rows) == IMAGES


def test_runs_that_do_not_count_are_listed_with_the_reason(tmp_path: Path) -> None:
    write_sweep(tmp_path)
    (tmp_path / "pixel_tv" / "done.json").unlink()
    (tmp_path / "pixel_zero" / "rows.parquet").write_bytes(b"PAR1 and no more")
    (tmp_path / "radial_tv" / "rows.parquet").unlink()
    (tmp_path / "radial_zero" / "done.json").write_text('{"run')
    (tmp_path / "started").mkdir()
    (tmp_path / "started" / "config.yaml").touch()
    collected = collect(tmp_path)
    reasons = {path.name: reason for path, reason in collected.left_out}
    assert set(reasons) == {"pixel_tv", "pixel_zero", "radial_tv", "radial_zero", "started"}
    assert reasons["pixel_tv"].startswith("unfinished")
    assert reasons["started"].startswith("unfinished")
    assert all(reasons[name].startswith("damaged") for name in ("pixel_zero", "radial_tv", "radial_zero"))
    assert [run.name for run in collected.runs] == ["pixel_pinv", "radial_pinv"]


def test_a_copy_of_a_run_is_not_counted_twice(tmp_path: Path) -> None:
    write_run(tmp_path / "one" / "run", PIXEL, "pinv", kept=8)
    write_run(tmp_path / "two" / "run", PIXEL, "pinv", kept=8)
    collected = collect(tmp_path)
    assert len(collected.rows) == IMAGES
    assert [(path.parent.name, "same run as" in reason) for path, reason in collected.left_out] == [("two", True)]


def test_directories_of_other_verbs_are_not_runs(tmp_path: Path) -> None:
    write_run(tmp_path / "run", PIXEL, "pinv", kept=8)
    (tmp_path / "simulated").mkdir()
    (tmp_path / "simulated" / "config.yaml").touch()
    (tmp_path / "simulated" / "done.json").write_text("{}")
    assert collect(tmp_path).left_out == ()


def test_nothing_to_collect_is_an_error_that_says_what_was_found(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is not a directory"):
        collect(tmp_path / "absent")
    with pytest.raises(ValueError, match="no finished run"):
        collect(tmp_path)
    (write_run(tmp_path / "run", PIXEL, "pinv", kept=8) / "done.json").unlink()
    with pytest.raises(ValueError, match=r"no finished run[^\n]*\n.*run: unfinished"):
        collect(tmp_path)


def test_failed_and_missing_cells_of_a_sweep_are_listed_with_the_rest_intact(tmp_path: Path) -> None:
    write_sweep(tmp_path)
    failed = tmp_path / "pixel_tv"
    (failed / "done.json").unlink()
    (failed / "error.json").write_text('{"error": "disk full", "type": "OSError"}')
    (tmp_path / "begun_badly").mkdir()
    (tmp_path / "begun_badly" / "error.json").write_text('{"error": "no such weight", "type": "ValueError"}')
    (tmp_path / "sweep.json").write_text('{"cells": ["pixel_tv", "radial_tv", "radial_dct"]}')
    collected = collect(tmp_path)
    assert {path.name: reason.split(" (")[0] for path, reason in collected.left_out} == {
        "begun_badly": "failed: ValueError: no such weight",
        "pixel_tv": "failed: OSError: disk full",
        "radial_dct": "missing: the sweep names this cell, but it was never started",
    }
    assert len(collected.runs) == 5


def test_data_of_one_name_in_two_folders_stay_two(tmp_path: Path) -> None:
    for folder, print_ in (("J1", "aaaa"), ("J2", "bbbb")):
        for method in ("pinv", "tv"):
            run = write_run(tmp_path / f"{folder}_{method}", PIXEL, method, kept=8)
            (run / "data.txt").write_text(f"{print_}\n")
            (run / "config.yaml").write_text(f"data: {{path: sets/{folder}/made_up.star}}\n")
    found = collect(tmp_path).rows
    assert found.groupby("data")["run_id"].unique().map(sorted).to_dict() == {
        "J1/made_up": ["J1_pinv", "J1_tv"],
        "J2/made_up": ["J2_pinv", "J2_tv"],
    }
    for run in tmp_path.iterdir():  # nothing but the fingerprint tells them apart
        (run / "config.yaml").write_text("data: {path: made_up.star}\n")
    assert set(collect(tmp_path).rows["data"]) == {"made_up (aaaa)", "made_up (bbbb)"}
    for run in tmp_path.iterdir():
        (run / "data.txt").write_text("aaaa\n")
    assert set(collect(tmp_path).rows["data"]) == {"made_up"}


def test_runs_from_before_a_column_came_count(tmp_path: Path) -> None:
    path = write_run(tmp_path / "run", PIXEL, "pinv", kept=8) / "rows.parquet"
    pq.write_table(pq.read_table(path).drop(["data_fingerprint", "bytes_per_particle", "frc_area_clean"]), path)
    rows = collect(tmp_path).rows
    assert len(rows) == IMAGES
    assert rows["frc_area_clean"].isna().all()
    pq.write_table(pq.read_table(path).drop(["operator"]), path)
    with pytest.raises(NoRunError, match=r"rows\.parquet holds no operator"):
        collect(tmp_path)
