"""Plug-and-play restoration: denoise, take an exact data step, renew the noise."""

from __future__ import annotations

import torch
from torch import Tensor

from cryosense.solvers.posterior.steps import Task, noised, solved_rows


@torch.no_grad()
def diffpir(task: Task, *, prior_weight: float = 1.0, renewed: float = 1.0) -> Tensor:
    """Sample by DiffPIR (Zhu et al. 2023, algorithm 1). NFE = len(timesteps).

    The data step is the exact proximal map of the data term, with penalty ``prior_weight`` / sigma^2; without noise it is the
    projection onto the images that explain the measurement.

    Args:
        task: what to sample from.
        prior_weight: lambda in the paper.
        renewed: zeta in the paper, the share of the noise variance that is drawn anew in each step.

    Returns:
        One sample for each measurement, (b, 1, n, n).
    """
    operator, noise = task.operator, task.noise
    c = operator.row_coordinates(task.y)
    steps = task.plain("diffpir")
    z = noised(task.start, steps[0], noise)
    for level in steps:
        x0 = solved_rows(level.denoised(task.denoise, z), operator, c, task.noise_std, level.variance / prior_weight)
        sigma, next_sigma = level.variance.sqrt().to(z.dtype), level.next_variance.sqrt().to(z.dtype)
        predicted = (z - x0) / sigma
        z = x0 + next_sigma * ((1 - renewed) ** 0.5 * predicted + renewed**0.5 * noise(1 + level.index))
    return z
