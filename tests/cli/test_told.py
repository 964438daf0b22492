"""A run ends with its scores and the files to look at; one that was done before says so."""

from pathlib import Path

import pytest

from tests.cli.sweeping import finished, rows_of, run_here, write_stack


def test_a_run_says_how_it_went(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    stack, out = write_stack(tmp_path / "particles.mrcs"), tmp_path / "out"
    words = [f"data.path={stack}", f"output_dir={out}", "reconstructor=dct", "draw_example=true"]
    run_here(monkeypatch, *words, "reconstructor.weight=0.1")
    said, (run,) = capsys.readouterr().out.splitlines(), finished(out)
    rows = rows_of(out).query("not held_back")
    counted, mean = len(rows), rows["psnr"].mean()
    assert said[-3].startswith(f"{counted} particles: psnr {mean:.2f} dB, ssim ")
    assert said[-3].endswith("to the measured image")
    assert said[-2] == f"look at {run / 'rows.parquet'}"  # QUICK draws no example
    assert said[-1] == str(run)
    run_here(monkeypatch, *words, "reconstructor.weight=0.1")
    assert capsys.readouterr().out.splitlines()[-3].startswith("skipped, it is done already; ")
