"""A run's rows: streamed in parts, resumed, merged; complete or not there."""

import errno
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch

from cryosense.files.writing import write_json_atomic
from cryosense.metrics.row_columns import SCHEMA
from cryosense.runs.rows import RowWriter, as_table


def chunk(start: int, stop: int) -> dict:
    particles = torch.arange(start, stop)
    return {"run_id": "abc", "particle": particles * 2, "psnr": particles / 7, "operator": "pixel", "seed": 0, "weight": None}


def write(run_dir: Path, bounds: list[int]) -> None:
    writer = RowWriter(run_dir, SCHEMA)
    for start, stop in pairwise(bounds):
        writer.append(start, chunk(start, stop))


def test_parts_merge_into_one_table_with_every_column(tmp_path: Path) -> None:
    write(tmp_path, [0, 3, 7])
    RowWriter(tmp_path, SCHEMA).finish()
    rows = pd.read_parquet(tmp_path / "rows.parquet")
    assert list(rows.columns) == SCHEMA.names
    assert rows["particle"].tolist() == [0, 2, 4, 6, 8, 10, 12]
    assert rows["psnr"].tolist() == (torch.arange(7) / 7).tolist()
    assert rows["weight"].isna().all()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rows.parquet"]


def test_a_killed_run_goes_on_and_its_table_equals_an_uninterrupted_one(tmp_path: Path) -> None:
    write(tmp_path / "whole", [0, 4, 8, 10])
    RowWriter(tmp_path / "whole", SCHEMA).finish()
    write(tmp_path / "killed", [0, 4])
    (tmp_path / "killed" / "parts" / ".rows_000000004_000000008.parquet.unfinished").write_bytes(b"half a part")
    again = RowWriter(tmp_path / "killed", SCHEMA)
    assert again.completed_until() == 4
    again.append(4, chunk(4, 10))
    again.finish()
    assert pq.read_table(tmp_path / "killed" / "rows.parquet").equals(pq.read_table(tmp_path / "whole" / "rows.parquet"))
    assert not (tmp_path / "killed" / "parts").exists()


def test_a_run_killed_while_it_merges_is_finished_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, [0, 4])
    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", lambda *_, **__: None)
        RowWriter(tmp_path, SCHEMA).finish()
    assert (tmp_path / "parts").is_dir()
    again = RowWriter(tmp_path, SCHEMA)
    assert again.completed_until() == 4
    again.finish()
    assert not (tmp_path / "parts").exists()
    with pytest.raises(ValueError, match="is finished"):
        again.append(4, chunk(4, 5))


def test_a_full_disk_keeps_what_was_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, [0, 4])
    writer = RowWriter(tmp_path, SCHEMA)

    def full(_: object, where: Path) -> None:
        Path(where).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("pyarrow.parquet.write_table", full)
        with pytest.raises(OSError, match="up to position 4 are kept"):
            writer.append(4, chunk(4, 8))
    assert [path.name for path in (tmp_path / "parts").iterdir()] == ["rows_000000000_000000004.parquet"]
    writer.append(4, chunk(4, 8))
    assert RowWriter(tmp_path, SCHEMA).completed_until() == 8


def test_many_parts_merge_in_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cryosense.runs.rows.PARTS_PER_ROW_GROUP", 4)
    write(tmp_path, list(range(11)))
    RowWriter(tmp_path, SCHEMA).finish()
    assert pq.read_metadata(tmp_path / "rows.parquet").num_row_groups == 3
    assert pd.read_parquet(tmp_path / "rows.parquet")["particle"].tolist() == list(range(0, 20, 2))


def test_gaps_are_refused(tmp_path: Path) -> None:
    write(tmp_path, [0, 4])
    with pytest.raises(ValueError, match="stored up to position 4, and cannot continue at 6"):
        RowWriter(tmp_path, SCHEMA).append(6, chunk(6, 8))
    (tmp_path / "parts" / "rows_000000008_000000009.parquet").touch()
    with pytest.raises(ValueError, match="does not continue from position 4"):
        RowWriter(tmp_path, SCHEMA)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pnsr": 1.0}, "no column pnsr"),
        ({"ssim": [0.1]}, "ssim has 1 values for 3"),
        ({"particle": 3}, "particle with one number per row"),
        ({"seed": "one"}, "seed takes int64"),
        ({"iterations": torch.tensor([1.5, 2.0, 3.0])}, "iterations takes int64"),
    ],
)
def test_rows_that_do_not_fit_are_named(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        as_table(chunk(0, 3) | change, SCHEMA)


def test_nan_and_absent_are_empty_in_every_column() -> None:
    table = as_table({"particle": [1, 2], "lpips": torch.tensor([float("nan"), 1.0]), "iterations": float("nan")}, SCHEMA)
    assert table["lpips"].to_pylist() == [None, 1.0]
    assert table["iterations"].null_count == table["lpips_clean"].null_count == 2


def test_json_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    write_json_atomic(tmp_path / "done.json", {"rows": 3})
    with pytest.raises(ValueError, match="JSON"):
        write_json_atomic(tmp_path / "done.json", {"rows": float("nan")})
    assert (tmp_path / "done.json").read_text() == '{\n  "rows": 3\n}\n'
    assert [path.name for path in tmp_path.iterdir()] == ["done.json"]
