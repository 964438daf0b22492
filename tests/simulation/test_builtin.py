"""The built-in molecule: its hinge, its size, its seed."""

import numpy as np
import pytest
import torch

from cryosense.simulation.builtin import LARGE_RESIDUES, HingedChain, continuum


def domains(molecule: HingedChain, angle: float) -> tuple[torch.Tensor, torch.Tensor]:
    """-> C-alpha positions of the large domain with the linker up to the hinge, and of the rest."""
    positions = molecule.atoms(angle).positions_angstrom
    backbone = positions[: len(positions) // 2]
    return backbone[: LARGE_RESIDUES + 2], backbone[LARGE_RESIDUES + 2 :]


def test_the_hinge_turns_one_domain_rigidly_by_its_angle(molecule: HingedChain) -> None:
    fixed, moving = domains(molecule, 0.0)
    fixed_after, moving_after = domains(molecule, 30.0)
    torch.testing.assert_close(fixed_after, fixed)
    a, b = moving - moving.mean(0), moving_after - moving_after.mean(0)
    u, _, vt = torch.linalg.svd(a.T @ b)
    turn = vt.T @ u.T  # Kabsch: b = turn a
    torch.testing.assert_close(b, a @ turn.T, atol=1e-3, rtol=0)
    assert torch.rad2deg(torch.acos((turn.trace() - 1) / 2)) == pytest.approx(30.0, abs=0.01)
    step = torch.linalg.norm(moving_after[0] - fixed_after[-1])
    assert step == pytest.approx(3.8, abs=0.01)


def test_conformations_keep_mass_and_fit_a_64_px_box(molecule: HingedChain) -> None:
    volumes = molecule.volumes(64, 3.5)
    masses = volumes.sum((1, 2, 3))
    assert volumes.shape == (3, 64, 64, 64)
    torch.testing.assert_close(masses, masses[:1].expand(3), rtol=1e-4, atol=0)
    assert (volumes[0] - volumes[1]).norm() > 0.3 * volumes[0].norm()
    assert molecule.states()["hinge_angle_deg"].tolist() == [0.0, 20.0, 40.0]
    assert molecule.largest_angstrom < 0.7 * 64 * 3.5
    for angle in (0.0, 40.0):
        assert 2 * molecule.atoms(angle).positions_angstrom.norm(dim=1).max() < 0.7 * 64 * 3.5


def test_the_molecule_has_no_symmetry_and_is_its_seeds() -> None:
    volume, again, other = (HingedChain(seed, 8.0, [0.0]).volumes(64, 3.5)[0] for seed in (0, 0, 1))
    for axes in ((0, 1), (0, 2), (1, 2)):
        turned = torch.rot90(volume, 2, axes)
        assert np.corrcoef(volume.flatten(), turned.flatten())[0, 1] < 0.8
    assert torch.equal(again, volume)
    assert not torch.equal(other, volume)


def test_continuum_includes_both_ends() -> None:
    assert continuum(0.0, 40.0, 5) == [0.0, 10.0, 20.0, 30.0, 40.0]
    with pytest.raises(ValueError, match="hinge_angles_deg is empty"):
        HingedChain(0, 8.0, [])
