"""Plug-and-play restoration: denoise, exact data step, renew the noise."""

from __future__ import annotations

import torch
from torch import Tensor

from cryosense.solvers.posterior.steps import Denoise, NoiseDraw, RowOperator, levels, noised, solved_rows


@torch.no_grad()
def diffpir(
    denoise: Denoise,
    operator: RowOperator,
    y: Tensor,
    timesteps: Tensor,
    *,
    alphas_cumprod: Tensor,
    noise: NoiseDraw,
    row_std: Tensor,
    prior_weight: float,
    renewed: float,
    start: Tensor | None = None,
) -> Tensor:
    """(b, ...) -> (b, 1, n, n): sample by DiffPIR (Zhu et al. 2023, algorithm 1). NFE = len(timesteps).

    The data step is the proximal map of the data term, exact, with penalty ``prior_weight`` / sigma^2; without noise it
    is the projection onto the images that explain the measurement.

    Args:
        prior_weight: lambda of the paper.
        renewed: zeta of the paper, share of the noise variance that is drawn anew in each step. See the package for others.
    """
    c = operator.row_coordinates(y)
    steps = levels(timesteps, alphas_cumprod)
    z = noised(start, steps[0], noise)
    for level in steps:
        x0 = solved_rows(level.denoised(denoise, z), operator, c, row_std, level.variance / prior_weight)
        sigma, next_sigma = level.variance.sqrt().to(z), level.next_variance.sqrt().to(z)
        predicted = (z - x0) / sigma
        z = x0 + next_sigma * ((1 - renewed) ** 0.5 * predicted + renewed**0.5 * noise(1 + level.index))
    return z
