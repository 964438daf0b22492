"""What is said of the information about poses is what likelihoods show."""

import pytest
import torch

from cryosense import fourier
from cryosense.alignment import information
from cryosense.alignment.coefficients import Disc, matched
from cryosense.alignment.likelihood import moved, terms
from cryosense.alignment.reference import Reference
from cryosense.operators.sampling_profile import coefficients_per_shell
from tests.alignment.particles import lopsided, particles

N, LIMIT = 24, 9
SHELLS = N // 2 + 1


def test_the_right_pose_is_likelier_than_none_by_half_of_it_in_the_mean() -> None:
    volume, std, count = lopsided(N), 2.0, 400
    seen, clean = particles(volume, count, noise_std=std), particles(volume, count)
    snr = fourier.power_spectrum(clean.images.double()).mean(0) / std**2
    inside = torch.arange(SHELLS) < LIMIT  # the disc takes a part of the next shell
    expected = float((coefficients_per_shell(N) * snr)[1:LIMIT].sum()) / 2
    disc = Disc(N, LIMIT)
    data = matched(disc.observed(seen.images, seen.ctf, None), torch.full((1, 1), std**2))
    part = disc.count(LIMIT - 1)
    assert bool(inside[disc.shells[:part]].all())
    projections = Reference(volume, disc, 2)(seen.rotations, part)[:, None]
    back = moved(data.numerator[:, :part] * disc.phases(seen.origins_pixels, part).conj(), torch.ones(1, part))
    found = terms(back, data.weight[:, :part], projections).log_likelihood(False).mean()
    assert float(found) == pytest.approx(expected, rel=0.05)


def test_a_map_says_how_strong_one_image_is() -> None:
    snr = torch.rand(SHELLS, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    shells = torch.arange(SHELLS, dtype=torch.float64)
    of_map = 1000 / 2 * 2 * torch.pi * shells * snr / (4 * torch.pi * shells.clamp_min(1) ** 2)
    torch.testing.assert_close(information.image_snr(of_map, 1000)[1:], snr[1:])


def test_the_least_profile_leaves_the_floor_by_the_fewest_coefficients() -> None:
    of_shells = coefficients_per_shell(N) * torch.exp(-0.3 * torch.arange(SHELLS).double())
    floor = 0.4 * float(of_shells.sum())
    least = information.least_profile(of_shells, floor)
    assert float((least * of_shells).sum()) == pytest.approx(floor)
    assert int(((least > 0) & (least < 1)).sum()) <= 1
    assert float((least * coefficients_per_shell(N)).sum()) < 0.4 * float(coefficients_per_shell(N).sum())
    assert bool((information.least_profile(of_shells, 1e9) == 1).all())
