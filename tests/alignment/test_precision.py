"""What small turns change of a shell: closed forms of points, and what projections of noisy particles say of their poses."""

import math

import torch

from cryosense import fourier
from cryosense.alignment.coefficients import Disc, matched
from cryosense.alignment.polish import _expanded
from cryosense.alignment.precision import axes, shell_points, turn_rates
from cryosense.alignment.reference import Reference
from cryosense.operators.sampling_profile import coefficients_per_shell
from tests.alignment.particles import lopsided, particles

N = 32
SEEN, LAST = 9, 13


def blob(*place: float) -> torch.Tensor:
    axis = torch.arange(N) - N // 2
    z, y, x = torch.meshgrid(axis, axis, axis, indexing="ij")
    return torch.exp(-(torch.stack([x, y, z], -1).float() - torch.tensor(place)).square().sum(-1) / 4)


def radii(last: int) -> torch.Tensor:
    """-> (last,) of shells 1 to ``last``, in radians per pixel."""
    return 2 * math.pi / N * torch.stack([shell_points(shell, 1).double().norm() for shell in range(1, last + 1)])


def test_a_point_changes_by_the_square_of_its_arm_and_of_the_frequency() -> None:
    place = torch.tensor([0.0, 3.0, 4.0])
    found = turn_rates(*[blob(*place.tolist())] * 2, SEEN, LAST)
    assert found.shape == (48, N // 2 + 1)
    arms = torch.linalg.cross(axes(), place.double().expand(48, 3)).square().sum(-1)
    expected = arms[:, None] * radii(SEEN) ** 2 / 3
    torch.testing.assert_close(found[:, 1 : SEEN + 1], expected, rtol=0.1, atol=0.03)
    finer = torch.arange(SEEN + 1, LAST + 1)
    beyond = arms[:, None] * (2 * math.pi / N * finer) ** 2 / 3
    torch.testing.assert_close(found[:, SEEN + 1 : LAST + 1], beyond, rtol=0.1, atol=0.05)
    assert bool((found[:, LAST + 1 :] == 0).all())
    assert bool((found[:, 0] == 0).all())


def test_parts_add_up_in_fine_shells_as_is_assumed_of_those_that_are_not_seen() -> None:
    """The rates of a density of noise in a ball, measured in all shells, and continued from the first ones."""
    axis = torch.arange(N) - N // 2
    square = axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2
    ball = torch.randn(N, N, N, generator=torch.Generator().manual_seed(0)) * (square < 8**2)
    measured, continued = turn_rates(ball, ball, LAST, LAST), turn_rates(ball, ball, SEEN, LAST)
    part = slice(SEEN + 1, LAST + 1)
    torch.testing.assert_close(continued[:, part].mean(0), measured[:, part].mean(0), rtol=0.1, atol=0.0)
    # The mean square arm of a ball of radius 8 is 2 / 5 of its square.
    expected = 0.4 * 8**2 * radii(LAST)[-1] ** 2 / 3
    torch.testing.assert_close(measured[:, LAST].mean(), expected, rtol=0.1, atol=0.0)


def test_noise_of_the_halves_is_not_taken_for_structure() -> None:
    volume = lopsided(N)
    noise = 0.1 * float(volume.std()) * torch.randn(2, N, N, N, generator=torch.Generator().manual_seed(0))
    clean, noisy = turn_rates(volume, volume, 6, 6), turn_rates(volume + noise[0], volume + noise[1], 6, 6)
    torch.testing.assert_close(noisy[:, 3:7].mean(0), clean[:, 3:7].mean(0), rtol=0.1, atol=0.1)


def test_information_is_that_of_the_likelihood_of_particles() -> None:
    """Over 300 poses, in the mean: the curvature along turns about axes of the map, from the spectrum and the map alone."""
    volume, std = lopsided(N), 5.0
    seen, clean = particles(volume, 300, most_pixels=0.0), particles(volume, 300)
    disc = Disc(N, LAST)
    data = matched(disc.observed(seen.images, seen.ctf, None), torch.full((1, 1), std**2))
    one = _expanded(Reference(volume, disc, 2), data, seen.rotations, seen.origins_pixels).information[:, :3, :3]
    of_axes = (seen.rotations @ one @ seen.rotations.mT).mean(0)
    signal = coefficients_per_shell(N) * fourier.power_spectrum(clean.images.double()).mean(0) / std**2
    found = (turn_rates(volume, volume, LAST, LAST) * signal).sum(1)
    expected = torch.einsum("ai,ij,aj->a", axes(), of_axes, axes())
    torch.testing.assert_close(found, expected, rtol=0.1, atol=0.0)
