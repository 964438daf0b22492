"""s(k) behind an FSC: exact where there is no noise, as uncertain as it says where there is."""

import pytest
import torch

from cryosense.metrics.shell_snr import ObservedCurve, fit_shell_snr

SHELLS = torch.arange(25, dtype=torch.float64)
LOG_SNR = 6 - 0.45 * SHELLS


def curve_of(log_snr: torch.Tensor, independent_fraction: float = 1.0) -> ObservedCurve:
    return ObservedCurve(torch.sigmoid(log_snr), independent_fraction)


def noisy(curve: ObservedCurve, seed: int) -> ObservedCurve:
    """Fisher's law: z is normal with the variance 1 / (4 pi k^2 fraction)."""
    drawn = torch.randn(25, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    deviation = (4 * torch.pi * SHELLS.clamp_min(1) ** 2 * curve.independent_fraction) ** -0.5
    return curve._replace(fsc=torch.tanh(torch.atanh(curve.fsc) + deviation * drawn))


def test_curves_without_noise_give_their_closed_form() -> None:
    fitted = fit_shell_snr([curve_of(LOG_SNR), curve_of(LOG_SNR + 2, 0.1)], modulation=None)
    torch.testing.assert_close(fitted.log_snr[1:], LOG_SNR[1:], atol=1e-4, rtol=0)
    assert fitted.log_snr[0] == fitted.log_snr[1]


def test_zeros_of_the_ctf_are_not_smoothed_away() -> None:
    """Particles of one defocus: s falls by e^3 in shell 8, and comes back."""
    modulation = torch.ones(25, dtype=torch.float64)
    modulation[8] = torch.exp(torch.tensor(-3.0))
    curve = curve_of(LOG_SNR + modulation.log())
    known, unknown = (fit_shell_snr([curve], modulation=m).log_snr for m in (modulation, None))
    torch.testing.assert_close(known[1:], (LOG_SNR + modulation.log())[1:], atol=1e-4, rtol=0)
    assert float((unknown - known)[8].abs()) > 0.01


def test_noise_is_known_for_what_it_is() -> None:
    """Over 40 draws of a weak pilot, errors in units of the stated deviation have a mean square near 1.

    A mean of 40 squares of normals has the deviation 0.22; a factor of two either way leaves room for the choice of roughness.
    """
    pilot = curve_of(LOG_SNR - 3)
    fits = [fit_shell_snr([noisy(pilot, seed)], modulation=None) for seed in range(40)]
    errors = torch.stack([(fit.log_snr - (LOG_SNR - 3)) / fit.deviation for fit in fits]).square().mean(0)
    assert float(errors[3:16:3].max()) < 2
    assert float(errors[3:16:3].mean()) > 0.3
    deviation = torch.stack([fit.deviation for fit in fits]).mean(0)
    assert bool((deviation[16:].diff() > 0).all())  # the farther beyond the data, the less certain


def test_a_masked_curve_sees_further() -> None:
    """s that falls fast and then slowly, so that the end of the data leads astray, and a mask that leaves a fourteenth."""
    log_snr = 3 - 0.8 * SHELLS + 0.6 * (SHELLS - 8).clamp_min(0)
    alone, both = [], []
    for seed in range(20):
        unmasked = noisy(curve_of(log_snr), seed)
        masked = noisy(curve_of(log_snr + 2.6, 0.07), 100 + seed)
        alone.append(fit_shell_snr([unmasked], modulation=None).log_snr - log_snr)
        both.append(fit_shell_snr([unmasked, masked], modulation=None).log_snr - log_snr)
    error = [torch.stack(each)[:, 15].square().mean().sqrt() for each in (alone, both)]
    assert error[1] < 0.8 * error[0]


def test_what_says_nothing_is_refused() -> None:
    chance = noisy(curve_of(torch.full((25,), -20.0, dtype=torch.float64)), 0)
    for curve, message in (
        (chance, "within chance"),
        (ObservedCurve(torch.ones(25), 1.0), "between -1 and 1"),
        (ObservedCurve(torch.full((25,), torch.nan), 1.0), "between -1 and 1"),
        (curve_of(LOG_SNR, 0.0), "independent_fraction"),
    ):
        with pytest.raises(ValueError, match=message):
            fit_shell_snr([curve], modulation=None)
