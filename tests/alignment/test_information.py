"""What is said of the information about poses is what likelihoods show."""

import pytest
import torch

from cryosense import fourier
from cryosense.alignment import information
from cryosense.alignment.coefficients import Disc, matched
from cryosense.alignment.likelihood import moved, terms
from cryosense.alignment.reference import Reference
from cryosense.alignment.schedule import KEPT
from cryosense.errors import ArgumentError
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


def test_the_least_profile_leaves_what_is_needed_by_the_fewest_coefficients() -> None:
    counts = coefficients_per_shell(N)
    each = torch.exp(-0.3 * torch.arange(SHELLS).double())
    nats = torch.stack([counts * each, counts * each.flip(0)])
    needed = 0.4 * nats.sum(1)
    least = information.least_profile(nats[:1], needed[:1])
    assert float((least * nats[0]).sum()) == pytest.approx(float(needed[0]))
    # Those first that say most by each coefficient, the last one in part.
    assert int(((least > 1e-9) & (least < 1 - 1e-9)).sum()) <= 1
    assert bool((least.diff() <= 1e-9).all())
    both = information.least_profile(nats, needed)
    assert bool(((both * nats).sum(1) >= needed - 1e-6).all())
    assert float((least * counts).sum()) < float((both * counts).sum()) <= 0.4 * float(counts.sum()) + 1e-6
    with pytest.raises(ArgumentError, match="as many nats as they need"):
        information.least_profile(nats, 3 * needed)


def test_poses_that_are_near_and_few_need_less() -> None:
    needed = information.needed_nats(torch.tensor([15.0, 30.0, 90.0, 180.0]), 46.0)
    assert float(needed[-1]) == pytest.approx(46.0)
    assert bool((needed.diff() > 0).all())
    assert 5 < float(needed[0]) < 10


def test_the_first_grid_loses_no_more_than_is_said() -> None:
    generator, count, wrong = torch.Generator().manual_seed(0), 1000, 4600
    for nats in (16.0, 24.0):
        # The noise along the right pose is in every difference: as evenly drawn as can be.
        noise = torch.special.ndtri((torch.arange(count) + 0.5) / count)[:, None]
        ahead = (nats**0.5 * (noise + torch.randn(count, wrong, generator=generator)) > nats).sum(1)
        bound = information.lost_share(torch.full((wrong,), nats, dtype=torch.float64), 1)
        assert float(ahead.double().mean()) / KEPT[0] == pytest.approx(bound, rel=0.25)
        assert float((ahead >= KEPT[0]).double().mean()) <= bound < 0.2
    assert information.lost_share(torch.full((wrong,), 24.0), 7) == pytest.approx(bound / 7, rel=1e-3)
    assert information.lost_share(torch.zeros(wrong), 1) == 1
