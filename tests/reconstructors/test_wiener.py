"""The Gaussian prior: optimal where its model holds, and honest about what it was fitted on."""

import pytest
import torch

from cryosense import fourier
from cryosense.measurement import GaussianNoise, Measurement, NoNoise
from cryosense.operators import FourierSampling, LinearOperator, PixelMasking, masks
from cryosense.reconstructors import PseudoInverse, Wiener

N = 32
OPERATORS = {
    "fourier": FourierSampling(masks.uniform(N, 0.5, symmetric=True, seed=0)),
    "paper": FourierSampling(masks.uniform(N, 0.5, symmetric=False, seed=0)),
    "pixel": PixelMasking(masks.random_binary(N, 8, keep_probability=0.5, seed=0), 4),
    "singular pixel": PixelMasking(masks.random_binary(N, 4, keep_probability=0.5, seed=0), 2),
}


def gaussian_images(count: int, seed: int) -> torch.Tensor:
    """(count, 1, n, n) with power spectrum 1 / (1 + (k / 2)^2) and mean 0.3."""
    white = torch.randn(count, 1, N, N, generator=torch.Generator().manual_seed(seed))
    gain = (1 + (fourier.frequency_radius(N) / 2) ** 2).rsqrt().float()
    return fourier.ifftn(fourier.fftn(white) * gain).real + 0.3


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("noise", [NoNoise(), GaussianNoise(0.3, "image", "before", seed=0)], ids=["clean", "noisy"])
def test_no_scaled_pinv_comes_closer(name: str, noise) -> None:
    operator: LinearOperator = OPERATORS[name]
    x = gaussian_images(200, seed=1)
    y = noise.measure(operator, x, torch.arange(200))
    wiener = Wiener()
    other = gaussian_images(200, seed=2)
    wiener.fit(other, other)
    estimate = wiener(Measurement(y, operator, noise.row_std(operator)))
    assert float(estimate.gap.max()) <= 1e-7
    pinv = PseudoInverse()(y, operator).x
    error = (estimate.x - x).square().mean()
    for scale in (0.6, 0.8, 1.0):
        assert error <= (scale * (pinv - 0.3) + 0.3 - x).square().mean() + 1e-6
    # Orthogonality principle: the error of the best linear estimate is uncorrelated with the measurement.
    seen = operator.row_coordinates(y - operator(torch.full((1, 1, N, N), 0.3)))
    correlation = (operator.row_forward(estimate.x - x) * seen).mean() / seen.square().mean()
    assert abs(float(correlation)) < 0.02


def test_a_clean_target_is_the_wiener_filter() -> None:
    clean, noise = gaussian_images(400, seed=3), 0.8 * torch.randn(400, 1, N, N, generator=torch.Generator().manual_seed(4))
    wiener = Wiener()
    wiener.fit((clean + noise)[:200], clean[:200])
    everything = FourierSampling(torch.ones(N, N))
    filtered = wiener(everything((clean + noise)[200:]), everything).x
    spectrum = 1 / (1 + (fourier.frequency_radius(N) / 2) ** 2)
    expected = float((spectrum * 0.64 / (spectrum + 0.64)).mean())
    assert float((filtered - clean[200:]).square().mean()) == pytest.approx(expected, rel=0.03)


def test_what_was_not_fitted_or_fitted_elsewhere_is_refused() -> None:
    wiener = Wiener()
    with pytest.raises(ValueError, match="fit it on images first"):
        wiener(torch.zeros(1, 1, N, N), OPERATORS["fourier"])
    wiener.fit(torch.randn(4, 1, 16, 16), torch.randn(4, 1, 16, 16))
    with pytest.raises(ValueError, match="fitted at 16 px, asked for 32 px"):
        wiener(torch.zeros(1, 1, N, N), OPERATORS["fourier"])
