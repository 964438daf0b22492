"""Superposition against known motions and gemmi's own; many pairs at once are each pair alone."""

import gemmi
import pytest
import torch

from cryosense.biology.rmsd import rmsd, superpose
from cryosense.volumes.poses import quaternion_rotations


def cloud(seed: int, atoms: int) -> torch.Tensor:
    return 10 * torch.randn(atoms, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_a_rigid_motion_is_found_and_undone() -> None:
    """Known without superposition (a translation d moves every atom by |d|), zero with it."""
    fixed = cloud(0, 50)
    rotation = quaternion_rotations(torch.tensor([0.3, -0.2, 0.9, 0.1], dtype=torch.float64))
    shift = torch.tensor([3.0, -4.0, 12.0], dtype=torch.float64)
    pair = torch.zeros(50, dtype=torch.int64)
    assert float(rmsd(fixed + shift, fixed, pair, 1)) == pytest.approx(13.0)
    moving = (fixed - shift) @ rotation
    found = superpose(moving, fixed, pair, 1)
    torch.testing.assert_close(found.rotations[0], rotation)
    torch.testing.assert_close(found.translations[0], shift)
    assert float(rmsd(found(moving, pair), fixed, pair, 1)) < 1e-12


def test_a_mirror_image_is_not_superposed() -> None:
    fixed = cloud(1, 40)
    mirrored = fixed * torch.tensor([-1.0, 1.0, 1.0])
    pair = torch.zeros(40, dtype=torch.int64)
    found = superpose(mirrored, fixed, pair, 1)
    assert float(torch.linalg.det(found.rotations[0])) == pytest.approx(1.0)
    assert float(rmsd(found(mirrored, pair), fixed, pair, 1)) > 3


def test_against_gemmi_and_alone() -> None:
    """Pairs of unlike lengths, between them one without atoms and one with a single atom."""
    lengths = [7, 0, 120, 1, 33]
    pair = torch.repeat_interleave(torch.arange(5), torch.tensor(lengths))
    fixed, noise = cloud(2, sum(lengths)), cloud(3, sum(lengths))
    moving = fixed.flip(-1) + 0.1 * noise
    found = superpose(moving, fixed, pair, 5)
    together = rmsd(found(moving, pair), fixed, pair, 5)
    assert together[1].isnan()
    assert float(together[3]) < 1e-12
    for k in (0, 2, 4):
        own = pair == k
        zeros = torch.zeros(lengths[k], dtype=torch.int64)
        alone = superpose(moving[own], fixed[own], zeros, 1)
        assert torch.equal(rmsd(alone(moving[own], zeros), fixed[own], zeros, 1)[0], together[k])
        points = ([gemmi.Position(*row) for row in each[own].tolist()] for each in (fixed, moving))
        assert gemmi.superpose_positions(*points).rmsd == pytest.approx(float(together[k]), abs=1e-9)
