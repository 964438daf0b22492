"""Noise: its size, its place, and that a particle's draw is its own."""

import pytest
import torch

from cryosense.measurement.noise import GaussianNoise, NoiseError, NoNoise, PoissonNoise
from cryosense.operators import FourierSampling, PixelMasking, masks
from tests.operators.families import dense, designs, operator

NOISES = {
    "before": GaussianNoise(0.3, "image", "before", seed=2),
    "after": GaussianNoise(0.3, "measurement", "after", seed=2),
    "after, image units": GaussianNoise(0.3, "image", "after", seed=2),
    "counting before": PoissonNoise(20.0, "before", seed=2),
    "counting after": PoissonNoise(20.0, "after", seed=2),
}


def pixel(n: int = 16) -> PixelMasking:
    return PixelMasking(masks.random_binary(n, 8, keep_probability=0.5, seed=1), 4)


@pytest.mark.parametrize("name", NOISES)
def test_row_std_is_the_deviation_in_row_coordinates(name: str) -> None:
    a, noise = pixel(), NOISES[name]
    x = torch.zeros(4000, 1, 16, 16)
    coordinates = a.row_coordinates(noise.measure(a, x, torch.arange(4000)) - a(x))
    expected = noise.row_std(a)[0]
    measured = coordinates.std(0)
    if name == "counting after":  # each sum has its own count; the stated size is that of their mean
        assert float(measured.square().sum() / expected.square().sum()) == pytest.approx(1, rel=0.15)
    else:
        torch.testing.assert_close(measured, expected.expand_as(measured), rtol=0.1, atol=1e-5)


@pytest.mark.parametrize("name", NOISES)
def test_a_draw_belongs_to_its_particle(name: str) -> None:
    a, noise = pixel(), NOISES[name]
    x = torch.rand(5, 1, 16, 16)
    whole = noise.measure(a, x, torch.arange(10, 15))
    part = noise.measure(a, x[[3, 1]], torch.tensor([13, 11]))
    torch.testing.assert_close(part, whole[[3, 1]])
    assert not torch.allclose(noise.measure(a, x, torch.arange(5)), whole)


@pytest.mark.parametrize("name", NOISES)
def test_on_masks_of_their_own_particles_do_not_share_a_size(name: str) -> None:
    sets = torch.stack([masks.random_binary(16, 8, keep_probability=p, seed=1) for p in (0.2, 0.5, 0.9)])
    x, numbers, noise = torch.rand(3, 1, 16, 16), torch.arange(3), NOISES[name]
    together, alone = PixelMasking(sets, 4), PixelMasking(sets[1:2], 4)
    measured = noise.measure(together, x, numbers)
    torch.testing.assert_close(noise.measure(alone, x[1:2], numbers[1:2]), measured[1:2])
    torch.testing.assert_close(noise.row_std(alone)[0], noise.row_std(together).expand(3, -1, -1, -1)[1])


def test_counting_has_the_stated_mean_and_variance() -> None:
    a = FourierSampling(torch.ones(16, 16))
    x = torch.full((3000, 1, 16, 16), 0.5)
    counted = a.pinv(PoissonNoise(8.0, "before", seed=0).measure(a, x, torch.arange(3000)))
    assert float(counted.mean()) == pytest.approx(0.5, abs=0.003)
    assert float(counted.var()) == pytest.approx(1.5 / 8, rel=0.02)


def test_noise_that_cannot_be_is_refused() -> None:
    with pytest.raises(NoiseError, match="image units"):
        GaussianNoise(0.1, "measurement", "before", seed=0)
    with pytest.raises(NoiseError, match="negative"):
        GaussianNoise(-0.1, "image", "before", seed=0)
    a = FourierSampling(torch.ones(16, 16))
    with pytest.raises(NoiseError, match="sums of electrons"):
        PoissonNoise(8.0, "after", seed=0).measure(a, torch.zeros(1, 1, 16, 16), torch.arange(1))


@pytest.mark.parametrize("design", ["pixel-random_binary-K4-C2.0", "pixel-random_binary-K2-C1.0", "fourier-uniform-paper"])
@pytest.mark.parametrize("noise", [NoNoise(), NOISES["before"], NOISES["after"]], ids=["none", "before", "after"])
def test_stationary_posterior_mean_against_the_dense_estimator(design: str, noise) -> None:
    n = 16
    a = operator(designs(False)[design], n, 1)
    matrix = dense(a, 0, 1)
    radius = torch.stack(torch.meshgrid(*[torch.arange(n) - n // 2] * 2, indexing="ij")).double().square().sum(0)
    spectrum = 1 / (1 + radius)
    transform = dense(FourierSampling(torch.ones(n, n, dtype=torch.float64)), 0, 1)
    prior = transform.T @ torch.diag(spectrum.flatten()) @ transform
    cover = {"none": 0 * matrix @ matrix.T, "before": 0.09 * matrix @ matrix.T, "after": 0.09 * torch.eye(len(matrix))}
    covariance = matrix @ prior @ matrix.T + cover[noise.placement]
    y = a(torch.randn(2, 1, n, n, dtype=torch.float64, generator=torch.Generator().manual_seed(0)))
    expected = (prior @ matrix.T @ torch.linalg.pinv(covariance, rtol=1e-10, hermitian=True) @ y.flatten(1).T).T
    mean, _, residual = a.stationary_posterior_mean(y, spectrum, noise.row_std(a))
    assert float(residual.max()) <= 1e-7
    torch.testing.assert_close(mean.flatten(1), expected, rtol=1e-4, atol=1e-5)
