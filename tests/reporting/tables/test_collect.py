"""Collecting: every finished run counts once, and every other is listed."""

from pathlib import Path

import pytest

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
