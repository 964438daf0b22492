"""The Gaussian denoiser against dense linear algebra, its own derivative, and a spectrum that is known."""

import pytest
import torch

from cryosense import fourier
from cryosense.denoisers import GaussianDenoiser

N, T = 8, 50
ABAR = torch.cumprod(1 - torch.linspace(1e-3, 0.2, T, dtype=torch.float64), 0)
SPECTRUM = 0.1 + 3 / (1 + fourier.frequency_radius(N) ** 2)


def covariance(spectrum: torch.Tensor) -> torch.Tensor:
    """(n, n) -> (n^2, n^2): of the pixels of a stationary field."""
    units = torch.eye(N * N, dtype=torch.float64).reshape(-1, 1, N, N)
    return fourier.filtered(units, fourier.centred_to_half_plane(spectrum)).flatten(1)


@pytest.mark.parametrize("t", [0, 20, T - 1])
def test_mean_and_remaining_covariance_are_those_of_dense_conditioning(t: int) -> None:
    denoiser = GaussianDenoiser(0.3, SPECTRUM, ABAR)
    prior, a = covariance(SPECTRUM), float(ABAR[t])
    gain = a**0.5 * prior @ torch.linalg.inv(a * prior + (1 - a) * torch.eye(N * N, dtype=torch.float64))
    x_t = torch.randn(3, 1, N, N, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = 0.3 + (x_t.flatten(1) - a**0.5 * 0.3) @ gain.T
    torch.testing.assert_close(denoiser(x_t, t).flatten(1), expected)
    torch.testing.assert_close(covariance(denoiser.error_spectrum(t)), prior - a**0.5 * gain @ prior)


def test_gradients_flow_and_give_the_covariance() -> None:
    """Tweedie's second-order formula, on which samplers build: Cov(x_0 | x_t) = (1 - abar) / sqrt(abar) d x0hat / d x_t."""
    denoiser, t = GaussianDenoiser(0.3, SPECTRUM, ABAR), 20
    assert denoiser.differentiable
    jacobian = torch.autograd.functional.jacobian(
        lambda x: denoiser(x.reshape(1, 1, N, N), t).flatten(), torch.zeros(N * N, dtype=torch.float64)
    )
    torch.testing.assert_close(covariance(denoiser.error_spectrum(t)), (1 - ABAR[t]) / ABAR[t].sqrt() * jacobian)


def test_fit_finds_level_and_spectrum() -> None:
    n, count = 32, 400
    spectrum = 0.1 + 3 / (1 + fourier.frequency_radius(n) ** 2)
    white = torch.randn(count, 1, n, n, generator=torch.Generator().manual_seed(1))
    images = 0.3 + fourier.filtered(white, fourier.centred_to_half_plane(spectrum.sqrt()).float())
    fitted = GaussianDenoiser.fit(images, ABAR)
    assert fitted.box_size == n
    assert fitted.mean == pytest.approx(0.3, abs=4 * (float(spectrum[n // 2, n // 2]) / count) ** 0.5 / n)
    # A shell of m coefficients has m real degrees of freedom in each image: relative deviation sqrt(2 / (m count)).
    index = fourier.shell_index(n)
    deviation = (2 / (torch.bincount(index.flatten())[index] * count)).sqrt()
    z = (fitted.spectrum / fourier.rotational_mean(spectrum) - 1) / deviation
    assert float(z[index > 0].abs().max()) < 4
    assert torch.equal(fitted.spectrum[n // 2, n // 2], fitted.spectrum.max())


def test_one_image_is_the_same_alone_and_among_others() -> None:
    denoiser = GaussianDenoiser(0.3, SPECTRUM, ABAR)
    x_t = torch.randn(8, 1, N, N, generator=torch.Generator().manual_seed(2))
    together = denoiser(x_t, 10)
    assert together.dtype == torch.float32
    assert all(torch.equal(denoiser(x_t[i : i + 1], 10), together[i : i + 1]) for i in range(8))


def test_spectra_that_no_real_image_has_are_refused() -> None:
    with pytest.raises(ValueError, match="positive powers"):
        GaussianDenoiser(0.0, SPECTRUM - 1, ABAR)
    tilted = SPECTRUM.clone()
    tilted[N // 2, N // 2 + 1] += 1
    with pytest.raises(ValueError, match="differs between k and -k"):
        GaussianDenoiser(0.0, tilted, ABAR)
