"""``cryosense report`` from its command line to its file."""

import sys
from pathlib import Path

import pytest

from cryosense.cli.report import main
from tests.tasks.runs import write_sweep


def test_one_file_below_the_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_sweep(tmp_path / "my sweep")
    before = {path.name for path in (tmp_path / "my sweep").iterdir()}
    monkeypatch.setattr(sys, "argv", ["cryosense report", str(tmp_path / "my sweep"), "guidance.resamples=20"])
    main()
    assert capsys.readouterr().out == f"{tmp_path / 'my sweep' / 'report.html'}\n"
    assert {path.name for path in (tmp_path / "my sweep").iterdir()} - before == {"report.html"}
    assert (tmp_path / "my sweep" / "report.html").read_text().startswith("<!doctype html>")


def test_a_directory_without_anything_ends_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["cryosense report", str(tmp_path)])
    with pytest.raises(SystemExit, match="cryosense report: no finished run"):
        main()
    assert list(tmp_path.iterdir()) == []
