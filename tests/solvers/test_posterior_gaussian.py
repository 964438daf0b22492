"""The sampler that has to be right: against the posterior that dense linear algebra gives."""

import pytest
import torch

from cryosense.operators import LinearOperator
from cryosense.solvers.posterior import Task
from tests.solvers.gaussian_problem import (
    ABAR,
    NOISES,
    batch_noise,
    denoiser,
    image,
    operators,
    posterior,
    samplers,
    timesteps,
)

N = 16
OPERATORS = operators(N)
DOMAINS = pytest.mark.parametrize("operator", OPERATORS.values(), ids=OPERATORS.keys())
NOISY_OR_NOT = pytest.mark.parametrize("noise", NOISES.values(), ids=NOISES.keys())


@DOMAINS
@NOISY_OR_NOT
def test_draws_around_a_stationary_mean_are_the_posterior_of_a_gaussian(operator: LinearOperator, noise) -> None:
    """100 steps, 1,000 samples of one measurement, in the eigenbasis of the dense posterior.

    Chosen beforehand: mean squared z-score of the mean within 3 of its own deviations of 1, none above 4.5 (one run in 500
    has one by chance), variance ratio of every mode in [0.8, 1.25], known modes met.
    """
    count = 1000
    y, row_std = noise.measure(operator, image(N), torch.arange(1)), noise.row_std(operator)
    many, draws = y.expand(count, -1, -1, -1), batch_noise(count, N)
    samples = samplers(N)["pigdm stationary draws"](Task(denoiser(N), operator, many, row_std, timesteps(100), ABAR, draws))
    exact = posterior(operator, y, row_std)
    coefficients = (samples.double().flatten(1) - exact.mean) @ exact.modes
    unknown = exact.variances > 0
    assert float(coefficients[:, ~unknown].abs().max()) < 1e-4 if not bool(unknown.all()) else bool(row_std.any())
    coefficients, variances = coefficients[:, unknown], exact.variances[unknown]
    z = coefficients.mean(0) / (variances / count).sqrt()
    assert abs(float(z.square().mean()) - 1) < 3 * (2 / len(z)) ** 0.5
    assert float(z.abs().max()) < 4.5
    ratio = coefficients.var(0) / variances
    assert float(ratio.min()) > 0.8
    assert float(ratio.max()) < 1.25
