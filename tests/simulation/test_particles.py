"""The particle stream: chunks, SNR, geometry."""

from dataclasses import replace

import pytest
import torch

from cryosense import fourier
from cryosense.simulation.builtin import HingedChain
from cryosense.simulation.particles import ParticleSimulator
from cryosense.volumes import poses
from cryosense.volumes.ctf import ctf_half_plane


def test_a_particle_is_the_same_in_any_chunk(simulator: ParticleSimulator) -> None:
    whole = simulator.chunk(range(0, 24))
    for chunk_size in (1, 7):
        parts = list(simulator.stream(range(5, 24), chunk_size))
        # Images to a unit in float32's last place (vectorised sines differ from single ones), the truth exactly.
        torch.testing.assert_close(torch.cat([part.noisy for part in parts]), whole.noisy[5:], atol=2e-6, rtol=0)
        torch.testing.assert_close(torch.cat([part.clean for part in parts]), whole.clean[5:], atol=2e-6, rtol=0)
        assert torch.equal(torch.cat([part.truth.angles_deg for part in parts]), whole.truth.angles_deg[5:])
        assert torch.equal(torch.cat([part.truth.states for part in parts]), whole.truth.states[5:])


def test_snr_is_what_was_stated(simulator: ParticleSimulator) -> None:
    chunk = simulator.chunk(range(1000, 2000))
    noise = chunk.noisy - chunk.clean
    assert float(noise.std()) == pytest.approx(1.0, abs=0.005)
    assert float(chunk.clean.var() / noise.var()) == pytest.approx(simulator.snr, rel=0.05)
    other = replace(simulator, snr=2 * simulator.snr).chunk(range(1000, 1004))
    torch.testing.assert_close(other.clean, 2**0.5 * chunk.clean[:4])
    torch.testing.assert_close(other.noisy - other.clean, noise[:4], atol=1e-5, rtol=0)


def test_clean_images_are_the_molecule_seen_by_its_truth(simulator: ParticleSimulator, molecule: HingedChain) -> None:
    """The atoms turned by RELION's matrix, drawn and summed along z, modulated, moved: the images, within 2 %."""
    simulator = replace(simulator, pad_factor=4)
    chunk = simulator.chunk(range(6))
    truth, n, pixel = chunk.truth, simulator.box_size, simulator.pixel_size_angstrom
    scale = simulator.volumes[0].sum() / molecule.volumes(n, pixel)[0].sum()
    inside = fourier.centred_to_half_plane(fourier.frequency_radius(n)) < n / 2
    for i in range(6):
        atoms = molecule.atoms(molecule.hinge_angles_deg[truth.states[i]])
        turned = replace(
            atoms, positions_angstrom=atoms.positions_angstrom @ poses.rotation_matrices(truth.angles_deg[i]).float()
        )
        projection = scale * turned.render(n, pixel, molecule.resolution_angstrom).sum(0)
        spectrum = fourier.half_plane(projection) * inside * ctf_half_plane(truth.ctf, n, pixel)[i]
        expected = fourier.from_half_plane(
            spectrum * poses.origin_phases(truth.origins_angstrom[i : i + 1].float(), n, pixel)[0], n
        )
        assert (chunk.clean[i, 0] - expected).norm() < 0.02 * expected.norm()


def test_states_are_all_visited_and_origins_have_their_deviation(simulator: ParticleSimulator) -> None:
    truth = simulator.truth(range(3000))
    assert (torch.bincount(truth.states) / 3000 - 1 / 3).abs().max() < 0.04
    assert float(truth.origins_angstrom.std()) == pytest.approx(7.0, rel=0.05)


def test_impossible_keys_are_named(simulator: ParticleSimulator) -> None:
    for key, value in (("box_size", 33), ("snr", 0.0), ("seed", -1), ("pixel_size_angstrom", 0.0)):
        with pytest.raises(ValueError, match=f"^{key} must"):
            replace(simulator, **{key: value})
