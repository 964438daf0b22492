"""How many images a run reads, counted where they are read: a stack may be larger than the memory, and slow."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from cryosense.cli.main import main
from cryosense.data import ParticleSource, StackWriter, SurveyRecord, survey_of
from cryosense.data.images import Images
from cryosense.runs.inputs import stamps
from tests.tasks.stacks import COUNT as WITH_POSES
from tests.tasks.stacks import write_stack as write_stack_with_poses

COUNT, BOX = 48, 16
FINGERPRINT = 3
QUICK = ["scores.lpips=null", "draw_example=false", "reconstructor=pinv", "chunk_size=5", "threads=1"]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many images were read at a time, as it goes on."""
    counts: list[int] = []
    reading = Images.read

    def counted(images: Images, rows: np.ndarray) -> torch.Tensor:
        counts.append(len(rows))
        return reading(images, rows)

    monkeypatch.setattr(Images, "read", counted)
    return counts


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    path = tmp_path / "particles.mrcs"
    with StackWriter(path, COUNT, BOX, 2.5) as writer:
        writer.write(0, torch.randn(COUNT, 1, BOX, BOX, generator=torch.Generator().manual_seed(0)))
        writer.finish()
    return path


def give(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["cryosense", *words])
    assert main() == 0


def test_a_run_looks_at_its_stack_once_before_it_works_and_never_again(
    stack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: list[int]
) -> None:
    words = ["reconstruct", f"data.path={stack}", f"output_dir={tmp_path / 'out'}", *QUICK]
    give(monkeypatch, *words)
    assert 2 * COUNT <= sum(read) <= 2.2 * COUNT
    read.clear()
    give(monkeypatch, *words)
    assert sum(read) == FINGERPRINT
    read.clear()
    give(monkeypatch, *words, "compression=4")  # another cell: what was seen of the images is known
    assert sum(read) <= 1.2 * COUNT


def test_shards_look_at_the_stack_once_together(
    stack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: list[int]
) -> None:
    words = ["reconstruct", f"data.path={stack}", f"output_dir={tmp_path / 'out'}", *QUICK, "shard.count=4"]
    for index in range(4):
        give(monkeypatch, *words, f"shard.index={index}")
    assert sum(read) <= 3.2 * COUNT
    read.clear()
    give(monkeypatch, *words, "shard.index=2")
    assert sum(read) == FINGERPRINT


def test_back_projection_in_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: list[int]) -> None:
    star = write_stack_with_poses(tmp_path)
    words = ["backproject", f"data.path={star}", f"output_dir={tmp_path / 'maps'}", "soft_mask.lowpass_angstrom=30"]
    for index in range(3):
        give(monkeypatch, *words, f"shard.index={index}", "shard.count=3")
    assert sum(read) <= 2 * WITH_POSES + 3 * FINGERPRINT
    read.clear()
    give(monkeypatch, *words, "shard.index=0", "shard.count=3")
    assert sum(read) == FINGERPRINT


def test_what_is_seen_does_not_depend_on_portions_and_blocks(
    stack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: list[int]
) -> None:
    """Of a process that was killed half-way the next takes over what it has seen; other data have a record of their own."""
    source = ParticleSource.open(stack, None, None, None, None, None)
    whole = survey_of(source.images, 7)
    monkeypatch.setattr("cryosense.data.survey.BLOCK", 10)
    record = SurveyRecord.for_data(tmp_path / ".data", source.data_fingerprint, stamps(source.files), torch.arange(COUNT))
    first, *_ = record._blocks(COUNT)
    record._path(first).parent.mkdir(parents=True)
    record._look(source.images, first, 3)
    read.clear()
    assert record.survey(source.images, 5) == whole
    assert sum(read) == COUNT - len(first)
    read.clear()
    assert record.survey(source.images, 5) == whole
    assert read == []
    assert [path.name for path in (tmp_path / ".data").iterdir()] == [f"{record.key}.json"]
    stack.touch()
    other = SurveyRecord.for_data(tmp_path / ".data", source.data_fingerprint, stamps(source.files), torch.arange(COUNT))
    assert other.key != record.key
