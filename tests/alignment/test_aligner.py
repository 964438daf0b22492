"""Poses that were known are found again, by every convention, and as surely as is said."""

import copy

import pytest
import torch

from cryosense.alignment import Aligner, Calibration, Fineness, angles_between_deg, grids
from cryosense.alignment.coefficients import Observed
from cryosense.errors import CryosenseError
from cryosense.measurement import FourierDesign
from cryosense.operators.masks import uniform
from cryosense.volumes.symmetry import point_group
from tests.alignment.particles import Particles, lopsided, particles
from tests.devices import ON_EACH_DEVICE, there

N, LIMIT = 32, 12


@pytest.fixture(scope="module")
def aligner() -> Aligner:
    return Aligner(lopsided(N), LIMIT, "C1", Fineness(last_order=3, shift_radius_pixels=3.0))


def known_noise(power: float) -> Calibration:
    return Calibration(1.0, torch.full((LIMIT + 1,), power))


def observed(aligner: Aligner, seen: Particles) -> Observed:
    return aligner.disc.observed(seen.images, seen.ctf, None)


def errors(aligner: Aligner, rotations: torch.Tensor, origins: torch.Tensor, seen: Particles) -> tuple[torch.Tensor, ...]:
    angles = angles_between_deg(rotations, seen.rotations, aligner.operations)
    return angles, (origins - seen.origins_pixels).norm(dim=-1)


def test_without_noise_poses_are_exact(aligner: Aligner) -> None:
    seen = particles(lopsided(N), 24)
    found = aligner(observed(aligner, seen), known_noise(1.0)).posterior
    angles, pixels = errors(aligner, found.rotations, found.origins_pixels, seen)
    assert float(angles.max()) < 0.1
    assert float(pixels.max()) < 0.02


@ON_EACH_DEVICE
def test_poses_are_the_same_on_other_devices(aligner: Aligner, device: str) -> None:
    seen = particles(lopsided(N), 6, noise_std=0.1)
    expected = aligner(observed(aligner, seen), aligner.calibrate(observed(aligner, seen))).posterior
    with there(device) as somewhere:
        images, ctf = seen.images.to(somewhere), None if seen.ctf is None else seen.ctf.to(somewhere)
        moved = copy.deepcopy(aligner).to(somewhere)
        taken = moved.disc.observed(images, ctf, None)
        found = moved(taken, moved.calibrate(taken)).posterior
        torch.testing.assert_close(found.rotations.cpu(), expected.rotations, atol=1e-3, rtol=0)
        torch.testing.assert_close(found.origins_pixels.cpu(), expected.origins_pixels, atol=1e-2, rtol=0)


def test_masks_of_each_particle_leave_enough_to_find_its_pose(aligner: Aligner) -> None:
    seen = particles(lopsided(N), 16)
    operator = FourierDesign(uniform, True, 2.5, True, 3).operator(N, torch.arange(16))
    measured = operator.pinv(operator(seen.images[:, None]))[:, 0]
    shares = operator.measured_shares
    found = aligner(aligner.disc.observed(measured, seen.ctf, shares), known_noise(1.0)).posterior
    angles, pixels = errors(aligner, found.rotations, found.origins_pixels, seen)
    assert float(angles.max()) < 0.1
    assert float(pixels.max()) < 0.02


# Under a third of a turn a cubic grid is another: slices of one map are not the same to interpolation's errors.
@pytest.mark.parametrize(("symmetry", "most_deg"), [("C3", 0.3), ("D2", 0.1)])
def test_symmetric_particles_are_found_up_to_an_operation(symmetry: str, most_deg: float) -> None:
    volume = lopsided(N, point_group(symmetry))
    aligner = Aligner(volume, LIMIT, symmetry, Fineness(last_order=3, shift_radius_pixels=3.0))
    seen = particles(volume, 16)
    found = aligner(observed(aligner, seen), known_noise(1.0)).posterior
    assert float(errors(aligner, found.rotations, found.origins_pixels, seen)[0].max()) < most_deg


@pytest.mark.parametrize("noise_over_image", [0.3, 0.6])
def test_errors_are_those_that_the_curvature_promises(aligner: Aligner, noise_over_image: float) -> None:
    volume = lopsided(N)
    std = noise_over_image * float(particles(volume, 8).images.std())
    seen = particles(volume, 200, noise_std=std, seed=1)
    found = aligner(observed(aligner, seen), known_noise(std**2))
    angles, pixels = errors(aligner, found.posterior.rotations, found.posterior.origins_pixels, seen)
    # Medians of the length of three, and of two, equal normal deviates over its root mean square: 0.888 and 0.833; that of
    # 200 such scatters by 0.04.
    assert float((angles / found.deviation_deg).median()) == pytest.approx(0.888, abs=0.12)
    assert float((pixels / (2**0.5 * found.deviation_pixels)).median()) == pytest.approx(0.833, abs=0.12)


def test_wrong_poses_are_told_by_their_spread_and_junk_by_its_evidence(aligner: Aligner) -> None:
    volume = lopsided(N)
    std = 3 * float(particles(volume, 8).images.std())
    seen, junk = particles(volume, 200, noise_std=std, seed=1), particles(0 * volume, 40, noise_std=std, seed=5)
    found, of_junk = (aligner(observed(aligner, each), known_noise(std**2)).posterior for each in (seen, junk))
    wrong = errors(aligner, found.rotations, found.origins_pixels, seen)[0] > 20
    assert 0.05 < float(wrong.double().mean()) < 0.5
    for telling in (found.angular_spread_deg, found.entropy):
        assert float((telling[wrong][:, None] > telling[~wrong]).double().mean()) > 0.7
    assert float(of_junk.log_evidence.median()) < float(found.log_evidence.quantile(0.1))


def test_a_particle_does_not_depend_on_its_company(aligner: Aligner) -> None:
    """Bit for bit, alone, in another order, or with others."""
    seen = observed(aligner, particles(lopsided(N), 19, noise_std=20.0))
    together = aligner(seen, known_noise(400.0))
    for rows in (torch.tensor([7]), torch.arange(18, 2, -1), torch.arange(8)):
        alone = aligner(Observed(seen.spectrum[rows], seen.ctf[rows], seen.share), known_noise(400.0))
        for one, other in zip((*alone.posterior, *alone[1:]), (*together.posterior, *together[1:]), strict=True):
            assert torch.equal(one, other[rows])


def test_amplitude_and_noise_are_found_in_the_images(aligner: Aligner) -> None:
    volume = lopsided(N)
    std = float(particles(volume, 8).images.std())
    found = aligner.calibrate(observed(aligner, particles(2.5 * volume, 96, noise_std=2 * std)))
    assert found.amplitude == pytest.approx(2.5, rel=0.03)
    torch.testing.assert_close(found.noise_power[4:], torch.full((LIMIT - 3,), 4 * std**2), rtol=0.15, atol=0)


def test_means_over_the_grid_come_near_the_pose() -> None:
    volume = lopsided(N)
    aligner = Aligner(volume, LIMIT, "C1", Fineness(last_order=4, polish=False, marginal=True, shift_radius_pixels=3.0))
    std = 0.5 * float(particles(volume, 8).images.std())
    seen = particles(volume, 40, noise_std=std)
    found = aligner(observed(aligner, seen), known_noise(std**2))
    angles, pixels = errors(aligner, found.posterior.rotations, found.posterior.origins_pixels, seen)
    assert float(angles.median()) < grids.spacing_deg(4)
    assert float(pixels.median()) < 0.3
    assert bool(torch.isinf(found.deviation_deg).all())


@pytest.mark.parametrize("limit", [0, N // 2])
def test_a_limit_outside_the_box_is_refused(limit: int) -> None:
    with pytest.raises(CryosenseError, match="frequency limit"):
        Aligner(lopsided(N), limit, "C1", Fineness())


def test_what_cannot_be_meant_is_refused() -> None:
    with pytest.raises(CryosenseError, match="last_order=1"):
        Fineness(last_order=1)
    with pytest.raises(CryosenseError, match="choose one"):
        Fineness(marginal=True)
    with pytest.raises(CryosenseError, match="shift_radius_pixels"):
        Fineness(shift_radius_pixels=-1.0)


def test_a_shell_in_which_nothing_was_measured_is_left_out(aligner: Aligner) -> None:
    seen = observed(aligner, particles(lopsided(N), 24, noise_std=0.5))
    share = (aligner.disc.shells != 3).to(seen.ctf.dtype).expand(24, -1)
    found = aligner.calibrate(Observed(seen.spectrum * share, seen.ctf, share))
    assert found.amplitude == pytest.approx(1, rel=0.1)
    assert bool((found.noise_power > 0).all())
    with pytest.raises(CryosenseError, match="nothing was measured"):
        aligner.calibrate(Observed(0 * seen.spectrum, seen.ctf, 0 * share))
