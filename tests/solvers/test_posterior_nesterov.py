"""The paper's sampler against a second, independent reading of its description."""

import torch

from cryosense.solvers.posterior import Task, nesterov, norm_over_batch
from tests.solvers.gaussian_problem import ABAR, batch_noise, denoiser, image, operators, timesteps

N = 16


def test_nesterov_is_the_update_of_the_paper_step_for_step() -> None:
    """The loop of the paper, written from its description, in x_t and with diffusers' coefficients; norm over the batch."""
    operator, steps, draw = operators(N)["pixel"], timesteps(20), batch_noise(3, N)
    y = operator(torch.cat([image(N, seed) for seed in range(3)]))
    betas, zetas = torch.linspace(0.1, 0.9, 20).tolist(), torch.linspace(1e-10, 1.0, 20).tolist()
    x, v = draw(0), torch.zeros(3, 1, N, N)
    for i, t in enumerate(steps.tolist()):
        abar, before = float(ABAR[t]), float(ABAR[steps[i + 1]]) if i < 19 else 1.0
        alpha = abar / before
        x0 = denoiser(N)(x, t).clamp(-1, 1)
        previous = (before**0.5 * (1 - alpha) * x0 + alpha**0.5 * (1 - before) * x) / (1 - abar)
        previous = previous + ((1 - before) / (1 - abar) * (1 - alpha)) ** 0.5 * draw(1 + i)
        u = (x0 - betas[i] * v).clamp(-1, 1).requires_grad_()
        g = torch.autograd.grad((operator(u) - y).square().mean(), u)[0]
        v = betas[i] * v + zetas[i] * g / g.norm()
        x = (previous - v).clamp(-1, 1)
    task = Task(denoiser(N), operator, y, operator.no_row_noise, steps, ABAR, draw)
    ours = nesterov(task, norm=norm_over_batch)
    torch.testing.assert_close(ours, x, atol=2e-5, rtol=0)
