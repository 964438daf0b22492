"""Diffusion posterior sampling: ancestral steps, pulled along the gradient of the residual through the network."""

from __future__ import annotations

import torch
from torch import Tensor

from cryosense.solvers.converging import length
from cryosense.solvers.posterior.steps import Task, bridge, noised


@torch.no_grad()
def dps(task: Task, *, step_size: float = 1.0) -> Tensor:
    """Sample by DPS (Chung et al. 2023, algorithm 1). NFE = len(timesteps), each with its gradient.

    The residual is ``r = D V^T (A^+ y - x0hat)``, so ``|r| = |y - A x0hat|`` apart from the part of y that no image explains.
    The published step along the gradient of |r| has a fixed length, whatever the noise. Here it is shortened by the factor
    ``1 - |noise| / |r|``, with |noise| the root mean square length of what measurement noise puts into r, and stops there:
    without noise it is the published step.

    Args:
        task: what to sample from.
        step_size: zeta in the paper, per step.

    Returns:
        One sample for each measurement, (b, 1, n, n).
    """
    operator, noise = task.operator, task.noise
    c, gain = operator.row_coordinates(task.y), operator.row_noise_gain
    weight = torch.where(gain > 0, 1 / gain.clamp_min(torch.finfo(gain.dtype).tiny), 0.0)
    expected = length(weight * task.noise_std)
    steps = task.plain("dps")
    z = noised(task.start, steps[0], noise)
    for level in steps:
        with torch.enable_grad():
            x_t = (level.scale.to(z.dtype) * z).requires_grad_()
            x0 = task.denoise(x_t, level.t)
            residual = length(weight * (c - operator.row_forward(x0)))
            gradient = torch.autograd.grad(residual.sum(), x_t)[0]
        excess = (1 - expected / residual.clamp_min(torch.finfo(z.dtype).tiny)).clamp_min(0)
        pull = step_size * excess.reshape(-1, 1, 1, 1) * gradient
        z = bridge(z, x0.detach(), level.variance, level.next_variance, 1.0, noise(1 + level.index))
        z = z - (1 + level.next_variance).sqrt().to(z.dtype) * pull  # the step is one of x_t = z / sqrt(1 + sigma^2)
    return z
