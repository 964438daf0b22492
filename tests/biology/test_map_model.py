"""Voxels near atoms by brute force, correlation in closed form."""

from pathlib import Path

import pytest
import torch

from cryosense.biology.map_model import chain_atoms, correlation, voxels_near
from tests.biology.peptides import peptide, write

N, PIXEL = 16, 1.5


@pytest.mark.parametrize("radius", [0.5, 2.0, 4.5])
def test_voxels_near_atoms(radius: float) -> None:
    """Also of atoms at a corner of the box and outside it."""
    atoms = 24 * torch.rand(30, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    atoms = torch.cat([atoms, torch.tensor([[0.0, 0.0, 0.0], [-1.0, 10.0, 24.0]], dtype=torch.float64)])
    axis = PIXEL * torch.arange(N, dtype=torch.float64)
    z, y, x = torch.meshgrid(axis, axis, axis, indexing="ij")
    distance = torch.cdist(torch.stack([x, y, z], -1).reshape(-1, 3), atoms).min(1).values
    found = voxels_near(atoms, N, PIXEL, radius)
    assert torch.equal(found.sort().values, (distance <= radius).nonzero()[:, 0])


def test_correlation_is_pearsons_over_the_voxels() -> None:
    """(0, 1, 2) to (1, 0, 2): covariance 1 over variances 2; what lies outside does not count; offset and gain neither."""
    one, other = torch.zeros(2, 2, 2), torch.full((2, 2, 2), 99.0)
    voxels = torch.tensor([1, 4, 6])
    one.view(-1)[voxels], other.view(-1)[voxels] = torch.tensor([0.0, 1, 2]), 5 + 3 * torch.tensor([1.0, 0, 2])
    assert correlation(one, other, voxels) == pytest.approx(0.5)
    assert correlation(one, -one, voxels) == pytest.approx(-1)


def test_atoms_by_chain_without_water(tmp_path: Path) -> None:
    path = write(tmp_path / "a.cif", [peptide("MKV", "A"), peptide("GGAG", "B", shift=(30, 0, 0))])
    found = chain_atoms(path)
    assert {name: tuple(atoms.shape) for name, atoms in found.items()} == {"A": (12, 3), "B": (16, 3)}
    assert float(found["B"][:, 0].min()) > 20
