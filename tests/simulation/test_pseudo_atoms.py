"""Rendering against the Gaussian's own formula."""

import math

import pytest
import torch

from cryosense.simulation.pseudo_atoms import PseudoAtoms


def test_an_atom_is_the_gaussian_of_its_resolution() -> None:
    """Well sampled (3 pixels per sigma) the band-limited Gaussian is the sampled one."""
    n, pixel, sigma = 48, 1.0, 3.0
    position = torch.tensor([[3.3, -5.1, 0.4]])
    volume = PseudoAtoms(position, torch.tensor([2.5])).render(n, pixel, math.sqrt(2) * math.pi * sigma)
    axis = (torch.arange(n) - n // 2) * pixel
    x, y, z = (torch.exp(-((axis - centre) ** 2) / (2 * sigma**2)) / math.sqrt(2 * math.pi) / sigma for centre in position[0])
    torch.testing.assert_close(volume, 2.5 * z[:, None, None] * y[:, None] * x, atol=2e-6, rtol=0)


def test_mass_is_kept_where_atoms_are_finer_than_the_grid() -> None:
    generator = torch.Generator().manual_seed(0)
    atoms = PseudoAtoms(20 * torch.randn(50, 3, generator=generator), torch.rand(50, generator=generator))
    assert atoms.render(64, 3.5, 2.0).sum() == pytest.approx(float(atoms.weights.sum()), rel=1e-4)


def test_a_box_that_is_too_small_is_named() -> None:
    with pytest.raises(ValueError, match="needs a box of 116 Å, box_size x pixel_size_angstrom is 112 Å"):
        PseudoAtoms(torch.tensor([[50.0, 0.0, 0.0]]), torch.ones(1)).render(32, 3.5, 8.0)
