"""Range-null-space sampling: measured coordinates follow the diffused measurement, the others come from the denoiser."""

from __future__ import annotations

import torch
from torch import Tensor

from cryosense.solvers.posterior.steps import Level, Task, bridge, noised


@torch.no_grad()
def ddnm(task: Task, *, eta: float = 1.0) -> Tensor:
    """Sample by DDNM (Wang et al. 2023), with noise as in DDRM (Kawar et al. 2022). NFE = len(timesteps).

    A coordinate ``c = v^T x + rho n`` is the image at noise level rho. Down to that level z is therefore the diffusion that
    ends in c, a bridge whose variances are smaller by rho^2; below it the coordinate follows the denoiser like any other.
    Without noise this is DDNM's algorithm 1. Up to the size of the steps it is exact where the prior does not couple measured
    and other coordinates (a stationary Gaussian under Fourier masks); elsewhere the others learn about c only through z.

    Args:
        task: what to sample from.
        eta: 1 for ancestral steps, 0 for deterministic ones, which lose variance where there is noise: below its level a
            deterministic step always makes the same image from one c.

    Returns:
        One sample for each measurement, (b, 1, n, n).
    """
    operator, noise = task.operator, task.noise
    c, rho = operator.row_coordinates(task.y), task.noise_std**2
    steps = task.plain("ddnm")
    z = noised(task.start, steps[0], noise)
    for level in steps:
        x0 = level.denoised(task.denoise, z)
        n = noise(1 + level.index)
        unmeasured = bridge(z, x0, level.variance, level.next_variance, eta, n)
        measured = _bridge_to_measurement(operator.row_forward(z), c, level, rho, eta, operator.row_forward(n))
        to_measurement = (level.next_variance >= rho) * (measured - operator.row_forward(unmeasured))
        z = unmeasured + operator.row_adjoint(to_measurement)
    return z


def _bridge_to_measurement(z: Tensor, c: Tensor, level: Level, rho: Tensor, eta: float, noise: Tensor) -> Tensor:
    """Return coordinates (b, ...) one step along the bridge that ends in c at noise variance ``rho``; meaningless below it."""
    remaining = (level.variance - rho).clamp_min(torch.finfo(rho.dtype).tiny)
    return bridge(z, c, remaining, (level.next_variance - rho).clamp_min(0), eta, noise)
