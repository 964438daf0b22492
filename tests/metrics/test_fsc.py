"""Fourier ring and shell correlation against closed forms and another implementation; resolution of known curves."""

import pytest
import torch
from torch import Tensor
from torch_fourier_shell_correlation import fourier_ring_correlation, fourier_shell_correlation

from cryosense.fourier import fftn, frequency_radius, ifftn
from cryosense.metrics import frc, fsc, resolution_angstrom


def half_maps(box_size: int, ndim: int, signal_to_noise: Tensor, seed: int = 1) -> tuple[Tensor, Tensor]:
    """Two maps of one white signal with independent noise, so that shell k has signal-to-noise ``signal_to_noise[k]``."""
    generator = torch.Generator().manual_seed(seed)
    signal, noise1, noise2 = torch.randn(3, *(box_size,) * ndim, generator=generator)
    radius = frequency_radius(box_size, ndim).round().long().clamp(max=box_size // 2)
    coloured = ifftn(fftn(signal, ndim) * signal_to_noise[radius].sqrt(), ndim).real
    return coloured + noise1, coloured + noise2


def test_fsc_of_maps_of_known_signal_to_noise_is_s_over_s_plus_one() -> None:
    s = 10 ** torch.linspace(1, -1.5, 33, dtype=torch.float64)
    curve = fsc(*half_maps(64, 3, s))
    expected = s / (s + 1)
    radius = frequency_radius(64, 3).round()
    counts = torch.stack([(radius == k).sum() for k in range(33)])
    # A shell holds as many independent numbers as coefficients, so its correlation scatters by about 1 / sqrt(count).
    deviations = (curve - expected).abs() * counts.sqrt()
    assert float(deviations[1:].max()) < 4
    assert float(deviations[1:].mean()) < 1


def test_fsc_is_blind_to_scale_and_sees_sign_and_phase() -> None:
    volume, _ = half_maps(16, 3, torch.ones(9, dtype=torch.float64))
    ones = torch.ones(9, dtype=torch.float64)
    torch.testing.assert_close(fsc(volume, 5 * volume), ones)
    torch.testing.assert_close(fsc(volume, -volume), -ones)
    assert float(fsc(volume, torch.roll(volume, 3, dims=0))[1:].mean()) < 0.3


@pytest.mark.parametrize("ndim", [2, 3])
def test_agrees_with_torch_fourier_shell_correlation(ndim: int) -> None:
    # That package shares each coefficient between two shells, so only a smooth curve can be compared, and not exactly.
    map1, map2 = half_maps(64, ndim, 10 ** torch.linspace(2, 0.5, 33, dtype=torch.float64))
    if ndim == 2:
        ours, theirs = frc(map1[None, None], map2[None, None])[0], fourier_ring_correlation(map1, map2)
    else:
        ours, theirs = fsc(map1, map2), fourier_shell_correlation(map1, map2)
    torch.testing.assert_close(ours[1:], theirs[1:].double(), atol=0.05 if ndim == 2 else 0.01, rtol=0)


def test_a_ring_that_was_not_measured_scores_zero() -> None:
    image = torch.randn(1, 1, 32, 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    flat = torch.full_like(image, 0.5)
    assert (frc(flat, image)[0, 1:].abs() < 1e-12).all()
    assert (frc(torch.zeros_like(image), image) == 0).all()


@pytest.mark.parametrize(("n", "ndim"), [(32, 2), (256, 2), (32, 3)])
def test_a_ring_that_holds_only_rounding_scores_zero_however_it_was_rounded(n: int, ndim: int) -> None:
    """Its correlation is chance, and another on another machine: a measured ring moves by rounding alone."""
    signals = torch.randn(2, *(n,) * ndim, generator=torch.Generator().manual_seed(4))
    ring = frequency_radius(n, ndim).round()
    empty = [1, 3, n // 2]
    kept = torch.stack([ring != k for k in empty]).all(0)
    made = [ifftn(fftn(signals[0].to(kind), ndim) * kept, ndim).real.float() for kind in (torch.float32, torch.float64)]
    curves = [frc(x[None, None], signals[1][None, None])[0] if ndim == 2 else fsc(x, signals[1]) for x in made]
    assert all(float(curve[empty].abs().max()) == 0 for curve in curves)
    assert int((curves[0] != 0).sum()) == n // 2 + 1 - len(empty)
    torch.testing.assert_close(*curves, atol=1e-5, rtol=0)


def test_each_image_of_a_batch_has_its_own_curve() -> None:
    x, reference = torch.randn(2, 4, 1, 24, 24, generator=torch.Generator().manual_seed(2))
    alone = torch.cat([frc(x[i : i + 1], reference[i : i + 1]) for i in range(4)])
    torch.testing.assert_close(frc(x, reference), alone)
    assert alone.shape == (4, 13)


def test_resolution_is_the_first_crossing_linear_between_shells() -> None:
    curve = torch.tensor([1.0, 0.9, 0.8, 0.4, 0.7, 0.2, 0.1, 0.1, 0.1])
    assert resolution_angstrom(curve, 2.0, 16, 0.5) == pytest.approx(16 * 2.0 / 2.75)
    assert resolution_angstrom(curve, 2.0, 16, 0.143) == pytest.approx(16 * 2.0 / 5.57, rel=1e-6)


def test_resolution_of_curves_that_do_not_cross() -> None:
    assert resolution_angstrom(torch.full((9,), 0.6), 1.5, 16, 0.5) == 3.0
    assert resolution_angstrom(torch.tensor([1.0] + [0.1] * 8), 1.5, 16, 0.5) == float("inf")


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="9 shells"):
        resolution_angstrom(torch.ones(8), 1.0, 16, 0.5)
    with pytest.raises(ValueError, match="not finite"):
        resolution_angstrom(torch.full((9,), float("nan")), 1.0, 16, 0.5)
    with pytest.raises(ValueError, match="n, n, n"):
        fsc(torch.zeros(8, 8, 8), torch.zeros(8, 8, 6))
