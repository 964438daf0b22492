"""A run ends with its scores and the files to look at; one that was done before says so."""

from pathlib import Path

import pytest

from tests.cli.sweeping import COUNT, finished, rows_of, run_here, write_stack
from tests.cli.verbs import cryosense


def test_a_run_says_how_it_went(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    stack, out = write_stack(tmp_path / "particles.mrcs"), tmp_path / "out"
    words = [f"data.path={stack}", f"output_dir={out}", "reconstructor=dct", "draw_example=true"]
    run_here(monkeypatch, *words, "reconstructor.weight=0.1")
    said, (run,) = capsys.readouterr().out.splitlines(), finished(out)
    rows = rows_of(out).query("not held_back")
    counted, mean = len(rows), rows["psnr"].mean()
    assert said[-4].startswith(f"{counted} particles: psnr {mean:.2f} dB, ssim ")
    assert said[-4].endswith("to the measured image")
    assert said[-3] == f"images of {COUNT} particles, for RELION: {run / 'particles.star'}"
    assert said[-2] == f"look at {run / 'rows.parquet'}"  # QUICK draws no example
    assert said[-1] == str(run)
    run_here(monkeypatch, *words, "reconstructor.weight=0.1")
    assert capsys.readouterr().out.splitlines()[-4].startswith("skipped, it is done already; ")


def test_what_is_not_scored_is_counted_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a measurement file without its originals nothing is held back from anything that is told."""
    stack, measured = write_stack(tmp_path / "particles.mrcs"), tmp_path / "measured.cryo.h5"
    cryosense(monkeypatch, "measure", str(stack), f"output={measured}")
    said = capsys.readouterr().out.splitlines()
    assert said[1:] == [
        f"a map of it: cryosense backproject {measured}",
        f"images of it: cryosense reconstruct {measured} reconstructor=pinv scores.lpips=null",
    ]
    words = [f"output_dir={tmp_path / 'out'}", "scores.lpips=null", "reconstructor=pinv"]
    cryosense(monkeypatch, "reconstruct", str(measured), *words)
    said, (run,) = capsys.readouterr().out.splitlines(), finished(tmp_path / "out")
    assert said[-4:-2] == [
        f"{COUNT} particles, not scored",
        f"images of {COUNT} particles, for RELION: {run / 'particles.star'}",
    ]
