"""Trackers of finished runs: complete, once, apart from each other, and without power over the run."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from omegaconf import OmegaConf
from PIL import Image

from cryosense.reporting.trackers import CSV, FinishedRun, TensorBoard, Tracker, WandB, tracked
from tests.tasks.runs import IMAGES, PIXEL, RADIAL, write_run


@pytest.fixture
def four_runs(tmp_path: Path) -> list[Path]:
    runs = []
    for name, operator in (("pixel", PIXEL), ("radial", RADIAL)):
        for method, kept in (("pinv", 20), ("tv", 8)):
            run = write_run(tmp_path / "out" / f"{name}_{method}", operator, method, kept=kept)
            (run / "config.yaml").write_text(
                OmegaConf.to_yaml({"compression": 2.0, "operator": {"name": name}, "method": method})
            )
            table = pd.read_parquet(run / "rows.parquet").assign(held_back=[True] + [False] * (IMAGES - 1))
            table.to_parquet(run / "rows.parquet")
            runs.append(run)
    return runs


def test_means_leave_out_what_was_learned_from(four_runs: list[Path]) -> None:
    run = FinishedRun(four_runs[0])
    assert run.means["psnr"] == pytest.approx(run.rows["psnr"][1:].mean())
    assert "weight" not in run.means


def test_csv(four_runs: list[Path]) -> None:
    tracked(CSV(), four_runs[0])
    rows = pd.read_csv(four_runs[0] / "rows.csv")
    np.testing.assert_allclose(rows["psnr"], pd.read_parquet(four_runs[0] / "rows.parquet")["psnr"])
    with Image.open(four_runs[0] / "example.png") as picture:
        assert picture.width > 500


def test_tensorboard(four_runs: list[Path]) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for run in four_runs:
        tracked(TensorBoard(), run)
    for run in four_runs:
        events = EventAccumulator(str(run.parent / "tensorboard" / run.name))
        events.Reload()
        rows = pd.read_parquet(run / "rows.parquet")
        assert [event.value for event in events.Scalars("rows/psnr")] == pytest.approx(rows["psnr"].tolist(), rel=1e-6)
        assert events.Tags()["images"] == ["panel"]
        (config,) = events.Tensors("config/text_summary")
        assert f"method: {rows['reconstructor'][0]}" in config.tensor_proto.string_val[0].decode()


BLOCK, FILE_HEADER, CHUNK_HEADER = 32768, 7, 7


def chunks(content: bytes) -> Iterator[bytes]:
    """Records of a .wandb file: LevelDB's log format, chunks of CRC, length and kind in blocks of 32 KiB, behind a header."""
    assert content.startswith(b":W&B")
    place, record = FILE_HEADER, b""
    while place + CHUNK_HEADER <= len(content):
        if BLOCK - place % BLOCK < CHUNK_HEADER:
            place += BLOCK - place % BLOCK
            continue
        _, length, kind = struct.unpack_from("<IHB", content, place)
        place += CHUNK_HEADER
        record += content[place : place + length]
        place += length
        if kind in (1, 4):  # whole, or the last of several
            yield record
            record = b""


def records(offline_run: Path) -> dict[str, Any]:
    """Configuration, group, logged files and summary of one offline run."""
    from wandb.proto.wandb_internal_pb2 import Record

    (path,) = offline_run.glob("*.wandb")
    found: dict[str, Any] = {"config": {}, "logged": {}}
    for data in chunks(path.read_bytes()):
        record = Record.FromString(data)
        if record.HasField("run"):
            found |= {"group": record.run.run_group, "id": record.run.run_id}
            found["config"] |= {update.key: json.loads(update.value_json) for update in record.run.config.update}
        for item in (*record.history.item, *record.summary.update):
            found["logged"][item.key or "/".join(item.nested_key)] = json.loads(item.value_json)
    return found


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_wandb_offline_holds_each_run_with_config_rows_and_panel(
    four_runs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    for run in four_runs:
        tracked(WandB(project="test", group="sweep", offline=False), run)
        assert (run / "tracked_wandb.json").is_file()
    folder = four_runs[0].parent / "wandb"
    offline = {found["id"]: (run, found) for run in folder.glob("offline-run-*") for found in [records(run)]}
    assert set(offline) == {run.name for run in four_runs}
    for run in four_runs:
        path, found = offline[run.name]
        rows = pd.read_parquet(run / "rows.parquet")
        assert found["group"] == "sweep"
        assert found["config"]["method"] == rows["reconstructor"][0]
        assert {"compression", "operator", "method"} <= set(found["config"])
        assert found["logged"]["psnr"] == pytest.approx(rows["psnr"][1:].mean())
        table = json.loads((path / "files" / found["logged"]["rows/path"]).read_text())
        assert len(table["data"]) == IMAGES
        assert [line[table["columns"].index("psnr")] for line in table["data"]] == pytest.approx(rows["psnr"].tolist())
        with Image.open(path / "files" / found["logged"]["panel/path"]) as picture:
            assert picture.width > 500


def test_what_fails_is_a_warning_and_tried_again_and_what_is_shown_is_not(four_runs: list[Path]) -> None:
    class Failing(Tracker):
        name, calls, fails = "failing", 0, True

        def send(self, run: FinishedRun) -> None:
            self.calls += 1
            if self.fails:
                raise ConnectionError("nobody there")

    tracker, before = Failing(), sorted(four_runs[0].iterdir())
    with pytest.warns(UserWarning, match=r"is complete, but tracker=failing failed \(ConnectionError: nobody there\)"):
        tracked(tracker, four_runs[0])
    assert sorted(four_runs[0].iterdir()) == before
    tracker.fails = False
    for _ in range(2):
        tracked(tracker, four_runs[0])
    assert tracker.calls == 2
