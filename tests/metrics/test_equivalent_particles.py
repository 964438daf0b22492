"""Equivalent particles against curves in closed form, and against maps with noise of known strength."""

import pytest
import torch

from cryosense.metrics import equivalent_particles, fsc
from tests.metrics.test_fsc import half_maps


def curve_of(signal_to_noise: torch.Tensor) -> torch.Tensor:
    return signal_to_noise / (1 + signal_to_noise)


def test_closed_form() -> None:
    s = 10 ** torch.linspace(2, -2, 25, dtype=torch.float64)
    assert equivalent_particles(curve_of(s / 2.5), curve_of(s), 1000) == pytest.approx(400)
    assert equivalent_particles(curve_of(3 * s), curve_of(s), 1000) == pytest.approx(3000)
    s[20:] = 1e3  # beyond the first crossing nothing counts
    assert equivalent_particles(curve_of(s / 2.5), curve_of(s), 1000) == pytest.approx(400)


def test_maps_with_noise() -> None:
    s = 10 ** torch.linspace(1.5, -1.5, 25, dtype=torch.float64)
    curves = [fsc(*half_maps(48, 3, s / factor, seed)) for factor, seed in ((4, 1), (1, 2))]
    assert equivalent_particles(curves[0], curves[1], 2000) == pytest.approx(500, rel=0.05)


def test_curves_that_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="one box size"):
        equivalent_particles(torch.ones(5), torch.ones(6), 10)
    for curve in (torch.ones(6), torch.zeros(6)):
        with pytest.raises(ValueError, match="nothing can be compared"):
            equivalent_particles(curve, curve, 10)
