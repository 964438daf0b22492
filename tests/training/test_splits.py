"""No micrograph on both sides; without micrographs one block."""

from pathlib import Path

import pandas as pd
import pytest
import torch

from cryosense.data import ParticleDataError, ParticleStack, StackWriter, write_star
from cryosense.training.splits import split


def stack_of(folder: Path, micrographs: list[str] | None, count: int = 40) -> ParticleStack:
    path = folder / "particles.mrcs"
    with StackWriter(path, count, 8, 2.0) as writer:
        writer.write(0, torch.randn(count, 1, 8, 8, generator=torch.Generator().manual_seed(0)))
        writer.finish()
    if micrographs is None:
        return ParticleStack.open(path)
    table = pd.DataFrame({"rlnMicrographName": micrographs})
    write_star(path.with_suffix(".star"), path, table, None, box_size=8, pixel_size_angstrom=2.0)
    return ParticleStack.open(path.with_suffix(".star"))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_micrographs_are_never_divided(tmp_path: Path, seed: int) -> None:
    # Neighbours in the stack are of different micrographs, so a division by position would show.
    names = [f"m{i % 8}.mrc" for i in range(40)]
    parts = split(stack_of(tmp_path, names), 0.2, seed)
    sides = [{names[i] for i in side.tolist()} for side in (parts.train, parts.validation)]
    assert parts.by == "micrograph"
    assert not sides[0] & sides[1]
    assert len(parts.validation) == 10  # two whole micrographs are the fewest that hold 8 particles
    assert sorted([*parts.train.tolist(), *parts.validation.tolist()]) == list(range(40))


def test_without_micrographs_one_block_is_kept(tmp_path: Path) -> None:
    parts = split(stack_of(tmp_path, None), 0.1, 0)
    assert parts.by == "block"
    assert parts.validation.tolist() == [36, 37, 38, 39]


def test_one_micrograph_cannot_tell_them_apart(tmp_path: Path) -> None:
    assert split(stack_of(tmp_path, ["m.mrc"] * 40), 0.1, 0).by == "block"


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.5])
def test_no_share_is_refused(tmp_path: Path, fraction: float) -> None:
    with pytest.raises(ParticleDataError, match="validation_fraction"):
        split(stack_of(tmp_path, None), fraction, 0)
