"""Laws that every posterior sampler obeys, on a problem whose image model and posterior are known."""

import pytest
import torch
from torch import Tensor

from cryosense.operators import LinearOperator
from cryosense.solvers.posterior import Task, diffpir
from tests.solvers.gaussian_problem import (
    ABAR,
    NOISES,
    batch_noise,
    denoiser,
    image,
    keyed_noise,
    operators,
    posterior,
    samplers,
    timesteps,
)

N = 16
DENOISER = denoiser(N)
OPERATORS = operators(N)
SAMPLERS = samplers(N)
EVERY = pytest.mark.parametrize("name", SAMPLERS)
DOMAINS = pytest.mark.parametrize("operator", OPERATORS.values(), ids=OPERATORS.keys())
NOISY_OR_NOT = pytest.mark.parametrize("noise", NOISES.values(), ids=NOISES.keys())


@EVERY
@DOMAINS
@NOISY_OR_NOT
def test_an_image_is_the_same_alone_and_among_others(name: str, operator: LinearOperator, noise) -> None:
    """Bit for bit, also from a start; and the denoiser is called once per timestep."""
    calls = []

    def denoise(x_t: Tensor, t: int) -> Tensor:
        calls.append(t)
        return DENOISER(x_t, t)

    def sample(chosen: Tensor) -> Tensor:
        images = torch.cat([image(N, int(i)) for i in chosen])
        y = noise.measure(operator, images, chosen)
        draws, row_std = keyed_noise(chosen, N), noise.row_std(operator)
        return SAMPLERS[name](Task(denoise, operator, y, row_std, timesteps(10)[3:], ABAR, draws, operator.pinv(y)))

    together = sample(torch.arange(5))
    assert calls == timesteps(10)[3:].tolist()
    assert together.dtype == torch.float32
    assert torch.equal(sample(torch.tensor([3, 1])), together[[3, 1]])
    assert torch.equal(sample(torch.tensor([2])), together[2:3])


EITHER = [(10, domain, noise) for domain in OPERATORS for noise in NOISES]
SMALL_STEPS = pytest.param(1000, "pixel", "noisy", marks=pytest.mark.slow)


@EVERY
@pytest.mark.parametrize(("count", "domain", "noise_name"), [*EITHER, SMALL_STEPS])
def test_any_number_of_steps_ends_where_the_measurement_says(name: str, count: int, domain: str, noise_name: str) -> None:
    """Finite; without noise consistent; with it, at small steps, the residual lies between two that are known.

    Those are the residual of the posterior mean, to which a sampler shrinks that loses all variance to large steps, and that
    of a posterior draw; 20 and 30 % are left for the deviation of some hundred coordinates (7 % each) and for the sampler.
    (At 10 steps ``ddnm`` last sees a coordinate of deviation 0.2 when z has noise of 0.34: 33 % above a posterior draw.)
    """
    n = 8
    operator, noise = operators(n)[domain], NOISES[noise_name]
    y, row_std = noise.measure(operator, image(n), torch.arange(1)), noise.row_std(operator)
    four = y.expand(4, -1, -1, -1)
    x = samplers(n)[name](Task(denoiser(n), operator, four, row_std, timesteps(count), ABAR, batch_noise(4, n)))
    assert bool(x.isfinite().all())
    if name in {"dps", "nesterov"}:
        return  # consistent only as far as their step sizes bring them
    residual = (operator.row_forward(x) - operator.row_coordinates(y)).double().flatten(1)
    if not bool(row_std.any()):
        assert float(residual.abs().max()) < 1e-3
    if not bool(row_std.any()) or count < 100:
        return
    exact, known = posterior(operator, y, row_std), row_std.flatten() > 0
    of_mean = (operator.row_forward(exact.mean.float().reshape(1, 1, n, n)) - operator.row_coordinates(y)).flatten()
    modes = operator.row_forward((exact.modes * exact.variances.sqrt()).T.float().reshape(-1, 1, n, n)).flatten(1)
    of_draw = (of_mean**2 + modes.square().sum(0)).sqrt()
    sizes = [float((r[..., known] / row_std.flatten()[known]).square().mean().sqrt()) for r in (of_mean, residual, of_draw)]
    assert 0.8 * sizes[0] < sizes[1] < 1.3 * sizes[2]


def test_diffpir_data_step_is_the_operators_own_where_noise_is_white() -> None:
    """One step from a start: the result is argmin |A x - y|^2 / s^2 + lambda |x - x0hat|^2 / sigma^2."""
    operator, noise, t, weight = OPERATORS["pixel"], NOISES["noisy"], 300, 7.0
    y = noise.measure(operator, image(N), torch.arange(1))
    deviation = float((noise.row_std(operator) / operator.row_noise_gain.clamp_min(1e-9)).max())
    start, draw = operator.pinv(y), batch_noise(1, N)
    task = Task(DENOISER, operator, y, noise.row_std(operator), torch.tensor([t]), ABAR, draw, start)
    x = diffpir(task, prior_weight=weight, renewed=0.3)
    variance = float((1 - ABAR[t]) / ABAR[t])
    x0 = DENOISER(float(ABAR[t]) ** 0.5 * (start + variance**0.5 * draw(0)), t)
    torch.testing.assert_close(x, operator.data_step(x0, y, weight * deviation**2 / variance), atol=1e-4, rtol=1e-4)


def test_clamped_and_normalised_only_where_stated() -> None:
    """No sampler but the paper's clamps: an image beyond [-1, 1] that is fully measured comes back."""
    operator = operators(N)["pixel"]
    y = operator(3 * image(N))
    task = Task(DENOISER, operator, y, operator.no_row_noise, timesteps(10), ABAR, batch_noise(1, N))
    for name in ("ddnm", "diffpir", "pigdm stationary"):
        x = SAMPLERS[name](task)
        assert float(x.abs().max()) > 1.5
        torch.testing.assert_close(operator(x), y, atol=1e-2, rtol=1e-3)
    assert float(SAMPLERS["nesterov"](task).abs().max()) <= 1


@pytest.mark.parametrize("steps", [[], [0, 10], [10, 10, 0], [1000, 0], [10, -1]])
def test_timesteps_of_another_schedule_are_refused(steps: list[int]) -> None:
    operator, chosen = OPERATORS["fourier"], torch.tensor(steps, dtype=torch.int64)
    task = Task(DENOISER, operator, operator(image(N)), operator.no_row_noise, chosen, ABAR, batch_noise(1, N))
    with pytest.raises(ValueError, match="fall from at most 999 to at least 0"):
        SAMPLERS["ddnm"](task)
