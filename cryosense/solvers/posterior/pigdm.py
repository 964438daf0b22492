"""Pseudo-inverse guidance: the denoiser's mean, conditioned on the measurement under a Gaussian model of its error."""

from __future__ import annotations

import torch
from torch import Tensor

from cryosense.solvers.posterior.covariance import Covariance, Measured
from cryosense.solvers.posterior.steps import Task, bridge, noised


@torch.no_grad()
def pigdm(task: Task, *, covariance: Covariance, eta: float = 1.0) -> Tensor:
    """Sample by PiGDM (Song et al. 2023) with a choice of covariances. NFE = len(timesteps).

    p(x_0 | x_t) is modelled as N(x0hat, C). Given y as well, x_0 has the mean ``x0hat + C V (V^T C V + Sigma)^-1 (c - V^T
    x0hat)``; the step leads to it, or to a draw around it. ``covariance`` says what C is:

    - ``ScalarCovariance``: the published sampler;
    - ``JacobianCovariance``: that of the denoiser's own Jacobian, exact for Gaussian images;
    - ``StationaryCovariance``: a power spectrum of the denoiser's errors, no gradients; exact for stationary Gaussian
      images, with ``draw`` and ``eta`` = 1 at any number of steps.

    Args:
        task: what to sample from.
        covariance: model of the denoiser's error.
        eta: 1 for ancestral steps, 0 for deterministic ones.

    Returns:
        One sample for each measurement, (b, 1, n, n).
    """
    measured = Measured(task.operator, task.operator.row_coordinates(task.y), task.noise_std, task.imaging)
    steps = task.levels()
    z = noised(task.start, steps[0], task.noise)
    for level in steps:
        drawn: list[Tensor] = []

        def denoise(x_t: Tensor, t: int, number: int = 1 + level.index, drawn: list[Tensor] = drawn) -> Tensor:
            x0 = task.denoise(x_t, t)
            drawn.append(task.noise(number))  # on the CPU, while a device still denoises
            return x0

        x0 = covariance.conditioned(denoise, z, level, measured, task.noise)
        z = bridge(z, x0, level.variance, level.next_variance, eta, drawn[0])
    return z
