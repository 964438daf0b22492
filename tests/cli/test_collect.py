"""``cryosense collect`` from its command line to its files."""

import sys
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from cryosense.cli.collect import main
from cryosense.cli.positional import with_directory_named
from tests.tasks.runs import write_sweep


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["cryosense collect", *words])
    main()


def test_table_picture_and_list_of_what_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = tmp_path / "C=2, my sweep's"
    write_sweep(sweep)
    (sweep / "radial_tv" / "done.json").unlink()
    (sweep / "pixel_tv" / "example.npz").unlink()
    monkeypatch.chdir(tmp_path)
    run(monkeypatch, str(sweep), "resamples=100")
    printed = capsys.readouterr().out
    assert "fourier radial, symmetric, C = 2.5" in printed
    assert f"not in the table: {sweep / 'radial_tv'}: unfinished" in printed
    assert f"not in the picture: {sweep / 'pixel_tv'}:" in printed
    for name in ("table.csv", "table.md", "paper.csv", "paper.md", "paper.tex", "picture.png"):
        assert str(sweep / name) in printed
    lines = pd.read_csv(sweep / "table.csv")
    assert lines["reconstructor"].tolist() == ["zero_filled", "pinv", "zero_filled", "pinv", "tv"]
    assert lines["correlation_clean_beats_pinv"].tolist()[-1] == "yes"
    assert (sweep / "table.md").read_text().count("\n|") == 6
    with Image.open(sweep / "picture.png") as image:
        assert 900 < image.width <= 1600
    assert [path.name for path in tmp_path.iterdir()] == [sweep.name]


def test_pictures_in_other_formats_are_the_same_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_sweep(tmp_path)
    kept = []
    for _ in range(2):
        run(monkeypatch, str(tmp_path), "resamples=10", "formats=[pdf,svg]")
        kept.append([(tmp_path / f"picture.{kind}").read_bytes() for kind in ("png", "pdf", "svg")])
    assert kept[0] == kept[1]
    assert [content[:5] for content in kept[0]] == [b"\x89PNG\r", b"%PDF-", b"<?xml"]
    with pytest.raises(SystemExit, match="formats=jpg: one of png, pdf, svg"):
        run(monkeypatch, str(tmp_path), "formats=[png,jpg]")


def test_bad_directories_end_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match=r"cryosense collect: .*absent is not a directory"):
        run(monkeypatch, str(tmp_path / "absent"))
    with pytest.raises(SystemExit, match="no finished run"):
        run(monkeypatch, f"directory={tmp_path}")
    with pytest.raises(SystemExit, match="directory"):
        run(monkeypatch)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        "table_csv=sweep/pixel_tv/rows.parquet",
        "table_markdown=a.csv",
        "paper_latex=sweep",
        "picture=particles.mrcs",
        "maps_csv=a",
    ],
)
def test_a_file_of_another_kind_is_not_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    write_sweep(tmp_path / "sweep")
    monkeypatch.chdir(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(SystemExit, match=f"^cryosense collect: {words}: a name that ends in "):
        run(monkeypatch, "sweep", words)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_only_the_first_plain_word_is_the_directory(tmp_path: Path) -> None:
    assert with_directory_named(["level=0.9", "runs", "more"]) == ["level=0.9", "directory='runs'", "more"]
    assert with_directory_named(["--config-dir", "mine", "--help"]) == ["--config-dir", "mine", "--help"]
