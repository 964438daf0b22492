"""Masked FSC: what a mask makes of pure noise is taken away again, and true signal-to-noise is recovered."""

import pytest
import torch
from torch import Tensor

from cryosense.fourier import fftn, frequency_radius, ifftn
from cryosense.metrics import half_map_curves, sphere_mask
from cryosense.metrics.masked_fsc import randomise_phases

N = 48


def coloured(seed: int, power: Tensor) -> Tensor:
    """-> (N, N, N): noise whose power in shell k is ``power[k]``."""
    white = torch.randn(N, N, N, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    shell = frequency_radius(N, 3).round().long().clamp(max=N // 2)
    return ifftn(fftn(white, 3) * power[shell].sqrt(), 3).real


def test_correction_takes_away_what_the_mask_made() -> None:
    """Signal up to shell 10, noise beyond: a hard mask carries correlation outwards, the correction takes it back."""
    shells = torch.arange(N // 2 + 1)
    signal, ones = 30 * coloured(0, (shells <= 10).double()), torch.ones(N // 2 + 1)
    mask = sphere_mask(signal, 1.0, radius_angstrom=12.0, edge_pixels=0.0)
    curves = half_map_curves(signal + coloured(1, ones), signal + coloured(2, ones), mask, randomise_below=0.8, seed=0)
    assert curves.randomised_from == 11
    beyond = slice(14, N // 2)
    assert float(curves.unmasked[beyond].abs().mean()) < 0.03
    assert float(curves.masked[beyond].mean()) > 0.2
    assert float(curves.corrected[beyond].mean().abs()) < 0.05
    torch.testing.assert_close(curves.corrected[:11], curves.masked[:11])


def test_masking_keeps_the_closed_form() -> None:
    """Signal and noise both inside the mask: every curve is s / (s + 1)."""
    s = 10 ** torch.linspace(1.5, -0.5, N // 2 + 1, dtype=torch.float64)
    signal, ones = coloured(3, s), torch.ones(N // 2 + 1)
    mask = sphere_mask(signal, 1.0, radius_angstrom=17.0, edge_pixels=6.0)
    curves = half_map_curves(signal + coloured(4, ones), signal + coloured(5, ones), mask, randomise_below=0.8, seed=1)
    expected = s / (s + 1)
    for curve in (curves.unmasked, curves.masked, curves.corrected):
        assert float((curve - expected)[8:].abs().mean()) < 0.02


def test_random_phases_keep_amplitudes_and_the_shells_before() -> None:
    volume = coloured(6, torch.ones(N // 2 + 1))
    changed = randomise_phases(volume, 12, 7, 0)
    before, after = fftn(volume, 3), fftn(changed, 3)
    torch.testing.assert_close(after.abs(), before.abs(), atol=1e-9, rtol=0)
    inside = frequency_radius(N, 3).round() < 12
    torch.testing.assert_close(after[inside], before[inside])
    torch.testing.assert_close(changed, randomise_phases(volume, 12, 7, 0))
    assert float((changed - randomise_phases(volume, 12, 7, 1)).abs().max()) > 0.1


def test_a_mask_of_another_box_is_refused() -> None:
    with pytest.raises(ValueError, match="the mask has shape"):
        half_map_curves(torch.zeros(8, 8, 8), torch.zeros(8, 8, 8), torch.ones(6, 6, 6), randomise_below=0.8, seed=0)
