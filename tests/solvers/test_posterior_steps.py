"""Parts of the samplers: the step against diffusers', the exact covariances against each other, masks per image, the start."""

import pytest
import torch
from diffusers import DDPMScheduler

from cryosense.measurement.noise import GaussianNoise
from cryosense.operators import FourierSampling, LinearOperator, PixelMasking, masks
from cryosense.solvers.posterior import JacobianCovariance, StationaryCovariance, Task, pigdm
from cryosense.solvers.posterior.steps import bridge, levels
from tests.solvers.gaussian_problem import (
    ABAR,
    NOISES,
    batch_noise,
    denoiser,
    image,
    keyed_noise,
    operators,
    samplers,
    timesteps,
)

N = 16


@pytest.mark.parametrize("spacing", ["leading", "trailing", "linspace"])
def test_the_ancestral_step_is_diffusers_between_spaced_timesteps(spacing: str) -> None:
    scheduler = DDPMScheduler(variance_type="fixed_small", clip_sample=True, timestep_spacing=spacing)
    scheduler.set_timesteps(20)
    x = torch.randn(2, 1, N, N, generator=torch.Generator().manual_seed(0))
    for level in levels(scheduler.timesteps, scheduler.alphas_cumprod):
        epsilon = torch.randn(2, 1, N, N, generator=torch.Generator().manual_seed(level.t))
        theirs = scheduler.step(epsilon, level.t, x, generator=torch.Generator().manual_seed(1))
        scale, next_scale = level.scale.to(x), (1 + level.next_variance).rsqrt().to(x)
        z, x0, n = x / scale, theirs.pred_original_sample, torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
        ours = next_scale * bridge(z, x0, level.variance, level.next_variance, 1.0, n)
        torch.testing.assert_close(ours, theirs.prev_sample, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("domain", ["fourier", "pixel"])
@pytest.mark.parametrize("noise", NOISES.values(), ids=NOISES.keys())
@pytest.mark.parametrize("t", [5, 300, 900])
def test_the_jacobian_of_a_gaussian_denoiser_is_its_error_spectrum(domain: str, noise, t: int) -> None:
    """One step, in float64, by gradients through the denoiser and by transforms."""
    model, operator = denoiser(N), operators(N)[domain]
    y, row_std = noise.measure(operator, image(N), torch.arange(1)).double(), noise.row_std(operator).double()
    exact = operator.double_precision()
    draws = keyed_noise(torch.arange(1), N, torch.float64)
    task = Task(model, exact, y, row_std, torch.tensor([t]), ABAR, draws, exact.pinv(y))
    covariances = (JacobianCovariance(1e-10, 400), StationaryCovariance(model.error_spectrum, False, 1e-10, 400))
    by_gradient, by_transform = (pigdm(task, covariance=chosen) for chosen in covariances)
    torch.testing.assert_close(by_gradient, by_transform, atol=1e-7, rtol=0)


@pytest.mark.parametrize("name", samplers(N))
@pytest.mark.parametrize("domain", ["fourier", "pixel"])
def test_each_image_may_have_its_own_masks(name: str, domain: str) -> None:
    """Three images with three mask sets, as each gets it alone."""

    def operator(images: list[int]) -> LinearOperator:
        if domain == "fourier":
            return FourierSampling(torch.stack([masks.uniform(N, 0.4, symmetric=True, seed=i) for i in images]))
        return PixelMasking(torch.stack([masks.random_binary(N, 8, keep_probability=0.5, seed=i) for i in images]), 4)

    def sample(images: list[int]) -> torch.Tensor:
        chosen, noise, a = torch.tensor(images), GaussianNoise(0.4, "measurement", "after", seed=5), operator(images)
        y = noise.measure(a, torch.cat([image(N, i) for i in images]), chosen)
        return samplers(N)[name](Task(denoiser(N), a, y, noise.row_std(a), timesteps(10), ABAR, keyed_noise(chosen, N)))

    together = sample([0, 1, 2])
    for i in range(3):
        torch.testing.assert_close(sample([i]), together[i : i + 1], atol=1e-3, rtol=0)


def test_a_start_is_noised_to_the_first_timestep() -> None:
    """With nothing measured, a sample from a low first timestep stays within sqrt(2) of its noise, from a high one not.

    Sample and start are then two draws from p(x_0 | x_t), whose deviation is at most that of the noise; from high noise they
    are two independent images, whose mean squared distance is twice the variance (half of it is asked for).
    """
    operator, start = operators(N)["fourier"], image(N, 3)
    sampler, y, unknown = samplers(N)["pigdm stationary"], operator(0 * start), torch.full((1, 1, N, N), 1e6)
    tasks = [
        Task(denoiser(N), operator, y, unknown, torch.arange(t, -1, -10), ABAR, batch_noise(1, N), start) for t in (900, 50)
    ]
    far, near = map(sampler, tasks)
    assert float((near - start).square().mean()) < 2 * float((1 - ABAR[50]) / ABAR[50])
    assert float((far - start).square().mean()) > float(denoiser(N).spectrum.mean())
