"""Chance is found as often as it should be, and what is not chance is found."""

import pytest
import torch
from scipy.stats import binom, norm

from cryosense.metrics import fsc
from cryosense.metrics.chance import at_least, beyond_normal, chance_test

SHELLS = torch.arange(17, dtype=torch.float64)


def noise(seed: int, box_size: int = 32) -> torch.Tensor:
    return torch.randn((box_size,) * 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_independent_noise_passes_and_what_is_shared_does_not() -> None:
    """60 pairs of maps of pure noise: 3 p-values below 0.05 are expected, 10 have a probability of 2e-4 or less."""
    found = [chance_test(fsc(noise(2 * i), noise(2 * i + 1)), first_shell=2).p_value for i in range(60)]
    assert sum(p < 0.05 for p in found) < 10
    assert min(found) > 1e-5
    shared = noise(1000)
    # s = 0.09 in each map, FSC 0.083: a trend of 9 deviations, sum of 0.083 sqrt(4 pi) k over 14 shells, over sqrt(14).
    curve = fsc(noise(1001) + 0.3 * shared, noise(1002) + 0.3 * shared)
    assert chance_test(curve, first_shell=2).p_value < 1e-4


def test_closed_forms() -> None:
    deviation = (4 * torch.pi * SHELLS.clamp_min(1) ** 2) ** -0.5
    one = chance_test(torch.tanh(deviation), first_shell=2)
    assert (one.shells, one.beyond) == (14, 0)
    assert one.trend == pytest.approx(14**0.5)
    alternating = torch.tanh(3 * deviation * (-1) ** SHELLS)
    several = chance_test(alternating, first_shell=2)
    assert (several.beyond, several.trend) == (14, pytest.approx(0, abs=1e-9))
    assert several.p_value < 1e-15
    single = torch.where(SHELLS == 5, torch.tanh(4.5 * deviation), 0)
    assert chance_test(single, first_shell=2).largest == pytest.approx(4.5)
    assert chance_test(single, first_shell=2).p_value == pytest.approx(3 * 14 * 6.795e-6, rel=1e-3)  # two tails of 4.5
    assert chance_test(torch.zeros(17), first_shell=2).p_value == 1
    with pytest.raises(ValueError, match="at least three shells"):
        chance_test(torch.zeros(17), first_shell=14)


def test_probabilities_are_those_of_scipy() -> None:
    for deviations in (0.0, 0.5, 2.0, -4.5, 12.0):
        assert beyond_normal(deviations) == pytest.approx(2 * norm.sf(abs(deviations)), rel=1e-12)
    for trials in (3, 63, 2000):
        for count in {0, 1, 3, trials // 10, trials}:
            expected = float(binom.sf(count - 1, trials, 0.0455))
            assert at_least(count, trials, 0.0455) == pytest.approx(expected, rel=1e-9, abs=1e-300)
