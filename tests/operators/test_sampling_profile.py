"""Profiles against their closed form, and masks drawn from them against the budget."""

import math

import pytest
import torch

from cryosense.fourier import frequency_radius, friedel_partner
from cryosense.operators.masks import MaskError, variable_density
from cryosense.operators.sampling_profile import coefficients_per_shell, profile, profile_for_compression

BOX = 48
SNR = torch.exp(5.0 - 0.4 * torch.arange(BOX // 2 + 1, dtype=torch.float64))  # 1 at 12.5 shells, 1/6 at 17


def test_an_exponential_has_the_closed_form() -> None:
    made = profile(SNR, 0.5, last_shell=16, margin_shells=1)
    shells = torch.arange(BOX // 2 + 1, dtype=torch.float64)
    expected = torch.where(shells <= 17, torch.exp(math.log(0.5) - 5.0 + 0.4 * shells).clamp(max=1), 0)
    expected[0] = 1
    torch.testing.assert_close(made.keep_probability, expected)
    left = (made.keep_probability * SNR)[1:17]
    torch.testing.assert_close(left, SNR[1:17].clamp(max=0.5))
    assert made.compression == pytest.approx(BOX**2 / float((expected * coefficients_per_shell(BOX)).sum()))


def test_the_budget_is_met_and_the_floor_is_kept() -> None:
    for compression in (2.0, 4.0, 6.0):
        made = profile_for_compression(SNR, compression, floor_level=0.25, last_shell=17, margin_shells=1)
        assert made.compression == pytest.approx(compression, rel=1e-6)
        left = (made.keep_probability * SNR)[1 : made.last_shell + 1]
        assert bool((left >= SNR[1 : made.last_shell + 1].clamp(max=0.25) - 1e-12).all())
    assert made.last_shell < 17  # six times is more than 17 shells allow: resolution is given up, the floor is not
    wider = profile(SNR, 0.25, last_shell=made.last_shell + 1, margin_shells=1)
    assert wider.compression < 6


def test_a_low_compression_measures_all_there_is() -> None:
    made = profile_for_compression(SNR, 1.2, floor_level=0.25, last_shell=17, margin_shells=0)
    torch.testing.assert_close(made.keep_probability, torch.ones_like(SNR))
    assert made.compression > 1.2  # the corners are left out
    with pytest.raises(MaskError, match="below 1"):
        profile_for_compression(SNR, 0.5, floor_level=0.25, last_shell=17, margin_shells=0)
    with pytest.raises(MaskError, match=r"at most \d+"):
        profile_for_compression(SNR, 1e4, floor_level=0.25, last_shell=17, margin_shells=0)


def test_masks_of_a_profile_keep_the_budget() -> None:
    """Symmetric masks, one per particle: 288 pairs of 1152 are kept, so one draw is 5 % off and the mean of 400 is 0.3 %."""
    made = profile_for_compression(SNR, 4.0, floor_level=0.25, last_shell=17, margin_shells=1)
    keep = made.keep_probability.tolist()
    masks = torch.stack(
        [
            variable_density(BOX, 1 / made.compression, keep_probability_per_shell=keep, symmetric=True, seed=(3, particle))
            for particle in range(400)
        ]
    )
    assert float(BOX**2 / masks.double().sum((1, 2)).mean()) == pytest.approx(4.0, rel=0.01)
    assert bool((masks == friedel_partner(masks)).all())
    assert bool((masks[:, BOX // 2, BOX // 2] == 1).all())
    assert float(masks[:, frequency_radius(BOX) > BOX / 2].sum()) == 0
