"""Profiles against their closed form, and masks drawn from them against the budget."""

import pytest
import torch

from cryosense.fourier import frequency_radius, friedel_partner
from cryosense.operators.masks import MaskError, variable_density
from cryosense.operators.sampling_profile import ProfileDesign, coefficients_per_shell

BOX = 48
SHELLS = torch.arange(BOX // 2 + 1, dtype=torch.float64)
SNR = torch.exp(5.0 - 0.4 * SHELLS)  # 1 at 12.5 shells, 1/6 at 17


def design(margin_shells: int = 1, headroom: float = 0.0) -> ProfileDesign:
    return ProfileDesign(SNR, torch.full_like(SNR, headroom), margin_shells)


def test_an_exponential_has_the_closed_form() -> None:
    made = design().profile(1 / 3, last_shell=16)  # s' = 1/2
    expected = torch.where(SHELLS <= 17, (0.5 * torch.exp(0.4 * SHELLS - 5.0)).clamp(max=1), 0)
    expected[0] = 1
    torch.testing.assert_close(made.keep_probability, expected)
    assert made.compression == pytest.approx(BOX**2 / float((expected * coefficients_per_shell(BOX)).sum()))
    left = (design(headroom=0.2).profile(1 / 3, last_shell=16).keep_probability * SNR)[1:10]
    torch.testing.assert_close(torch.log1p(2 * left) / 2, torch.full_like(left, 0.2 + torch.atanh(torch.tensor(1 / 3))))


def test_the_budget_is_met_and_the_floor_is_kept() -> None:
    for compression in (2.0, 4.0, 6.0):
        made = design().for_compression(compression, fsc_floor=0.2, last_shell=17)
        assert made.compression == pytest.approx(compression, rel=1e-6)
        left = (made.keep_probability * SNR)[1 : made.last_shell + 1]
        assert bool((left >= SNR[1 : made.last_shell + 1].clamp(max=0.25) - 1e-12).all())
    assert made.last_shell < 17  # six times is more than 17 shells allow: resolution is given up, the floor is not
    assert design().profile(0.2, made.last_shell + 1).compression < 6


def test_a_low_compression_measures_all_there_is() -> None:
    made = design(margin_shells=0).for_compression(1.2, fsc_floor=0.2, last_shell=17)
    torch.testing.assert_close(made.keep_probability, torch.ones_like(SNR))
    assert made.compression > 1.2  # the corners are left out


def test_what_cannot_be_had_is_refused() -> None:
    with pytest.raises(MaskError, match="below 1"):
        design().for_compression(0.5, fsc_floor=0.2, last_shell=17)
    with pytest.raises(MaskError, match=r"at most \d+"):
        design().for_compression(1e4, fsc_floor=0.2, last_shell=17)
    with pytest.raises(MaskError, match="last_shell=25"):
        design().profile(0.2, last_shell=25)
    with pytest.raises(MaskError, match="must be positive"):
        ProfileDesign(-SNR, SNR, 1)


def test_masks_of_a_profile_keep_the_budget() -> None:
    """Symmetric masks, one per particle: 288 pairs of 1152 are kept, so one draw is 5 % off and the mean of 400 is 0.3 %."""
    made = design().for_compression(4.0, fsc_floor=0.2, last_shell=17)
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
