"""Sums of half sets: apart from each other, added over shards, the same after a stay on disk."""

from pathlib import Path

import pytest
import torch

from cryosense.tasks.maps.half_sums import HalfSums
from cryosense.volumes.backproject import SliceAccumulator, slices
from cryosense.volumes.poses import quaternion_rotations
from cryosense.volumes.symmetry import point_group

N, COUNT = 12, 40


def filled(rows: slice, groups: int = 0) -> HalfSums:
    generator = torch.Generator().manual_seed(0)
    images, rotations = torch.randn(COUNT, N, N, generator=generator), torch.randn(COUNT, 4, generator=generator)
    sums = HalfSums(N, 2, groups)
    terms = slices(images[rows], torch.zeros(len(images[rows]), 2), None, None, 1.0)
    half_set = (torch.arange(COUNT) % 4 == 0).long()[rows]
    group = torch.arange(COUNT)[rows] % max(groups, 1)
    sums.insert(terms, quaternion_rotations(rotations[rows]), half_set, group, torch.tensor([N * N]), point_group("C2"))
    return sums


def total_weight(sums: SliceAccumulator) -> float:
    return sum(float(part.sums[:, 2].double().sum()) for part in sums.parts)


def test_each_particle_is_in_its_half_once_for_each_operation() -> None:
    sums = filled(slice(None))
    assert sums.particles.tolist() == [30, 10]
    assert float(sums.measured) == COUNT * N * N
    # Trilinear weights add up to 1, so the sum of all weights counts coefficients.
    x, y = torch.meshgrid(torch.arange(N) - N // 2, torch.arange(N) - N // 2, indexing="ij")
    coefficients = int((x**2 + y**2 < N**2 / 4).sum()) / 2
    for half, count in zip((0, 1), (30, 10), strict=True):
        torch.testing.assert_close(total_weight(sums.of_half(half)), 2.0 * count * coefficients)


def test_shards_add_up_also_from_disk(tmp_path: Path) -> None:
    filled(slice(0, 15), 3).save(tmp_path / "sums" / "shard.pt")
    sums = HalfSums(N, 2, 3)
    sums.load(tmp_path / "sums" / "shard.pt")
    sums.add(filled(slice(15, None), 3))
    whole = filled(slice(None), 3)
    assert sums.particles.tolist() == whole.particles.tolist()
    for half in (0, 1):
        for mine, others in zip(sums.of_half(half).parts, whole.of_half(half).parts, strict=True):
            torch.testing.assert_close(mine.sums, others.sums, atol=1e-5, rtol=1e-6)
    torch.testing.assert_close(sums.deviations(1, 1e-3), whole.deviations(1, 1e-3), atol=1e-5, rtol=0)
    assert [path.name for path in (tmp_path / "sums").iterdir()] == ["shard.pt"]


def test_groups_make_up_their_half() -> None:
    sums = filled(slice(None), 3)
    for half in (0, 1):
        weight = sum(total_weight(part) for part in sums.groups_of_half(half))
        # The grid without padding is reached from the same coefficients.
        torch.testing.assert_close(weight, total_weight(sums.of_half(half)))
        deviations = sums.deviations(half, 1e-3)
        assert deviations.shape == (3, N, N, N)
        assert float(deviations.abs().max()) > 0.1
        torch.testing.assert_close(deviations.sum(0), torch.zeros(N, N, N), atol=1e-5, rtol=0)


def test_the_full_sums_are_those_of_both_halves() -> None:
    sums = filled(slice(None), 3)
    weights = [total_weight(sums.of_half(half)) for half in (0, 1)]
    full = sums.into_full()
    torch.testing.assert_close(total_weight(full), sum(weights))
    assert not sums.halves
    assert sums.deviations(0, 1e-3).shape == (3, N, N, N)


def test_sums_of_something_else(tmp_path: Path) -> None:
    torch.save({"particles": torch.zeros(3)}, tmp_path / "0.pt")
    with pytest.raises(ValueError, match=r"0\.pt: holds sums of another run"):
        HalfSums(8, 2, 0).load(tmp_path / "0.pt")
    (tmp_path / "0.pt").write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"0\.pt: not a file of plain tensors"):
        HalfSums(8, 2, 0).load(tmp_path / "0.pt")
