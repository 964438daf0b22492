"""The cryoSENSE paper's sampler: ancestral steps with a Nesterov-accelerated, normalised data gradient."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from cryosense.solvers.converging import length
from cryosense.solvers.posterior.steps import Task, bridge, noised


def norm_per_image(g: Tensor) -> Tensor:
    """Return the length of each image's gradient, (b, 1, 1, 1)."""
    return length(g).reshape(-1, 1, 1, 1)


def norm_over_batch(g: Tensor) -> Tensor:
    """Return the length over the whole batch, a scalar, as the paper's code does: a step then depends on the other images."""
    return torch.linalg.vector_norm(g)


@torch.no_grad()
def nesterov(
    task: Task,
    *,
    momentum: tuple[float, float] = (0.1, 0.9),
    step_size: tuple[float, float] = (1e-10, 1.0),
    norm: Callable[[Tensor], Tensor] = norm_per_image,
) -> Tensor:
    """Sample as in the paper (arXiv 2511.12931), with no gradient through the network. NFE = len(timesteps).

    The ancestral step is that of diffusers' ``DDPMScheduler`` (``clip_sample``, variance ``fixed_small``) between spaced
    timesteps. All clamps to [-1, 1] are the paper's: images must be scaled to that range. It ignores measurement noise:
    ``noise_std`` is not used, and the step has the same length however small the residual is.

    Args:
        task: what to sample from.
        momentum: beta of the first and of the last step, linear in between.
        step_size: zeta of the first and of the last step, linear in between.
        norm: what the gradient is divided by, ``norm_per_image`` or ``norm_over_batch``.

    Returns:
        One sample for each measurement, (b, 1, n, n).
    """
    operator, noise = task.operator, task.noise
    steps = task.plain("nesterov")
    betas = torch.linspace(*momentum, len(steps), dtype=torch.float64).tolist()
    zetas = torch.linspace(*step_size, len(steps), dtype=torch.float64).tolist()
    z = noised(task.start, steps[0], noise)
    velocity = torch.zeros_like(z)
    for level in steps:
        beta, zeta = betas[level.index], zetas[level.index]
        x0 = level.denoised(task.denoise, z).clamp(-1, 1)
        next_scale = (1 + level.next_variance).rsqrt().to(z.dtype)
        x_prev = next_scale * bridge(z, x0, level.variance, level.next_variance, 1.0, noise(1 + level.index))
        ahead = (x0 - beta * velocity).clamp(-1, 1)
        gradient = operator.adjoint(operator(ahead) - task.y)  # of mean |A u - y|^2, up to a factor that the norm cancels
        gradient = gradient / norm(gradient).clamp_min(torch.finfo(z.dtype).tiny)
        velocity = beta * velocity + zeta * gradient
        z = (x_prev - velocity).clamp(-1, 1) / next_scale
    return z
