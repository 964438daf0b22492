"""Range-null-space sampling: measured coordinates are diffused measurements, the others come from the denoiser."""

from __future__ import annotations

import torch
from torch import Tensor

from cryosense.solvers.posterior.steps import Level, Task, bridge, noised


@torch.no_grad()
def ddnm(task: Task, *, eta: float = 1.0) -> Tensor:
    """-> (b, 1, n, n): sample by DDNM (Wang et al. 2023), noise as in DDRM (Kawar et al. 2022). NFE = len(timesteps).

    A coordinate c = v^T x + rho n is the image at noise level rho. Down to that level z is therefore the diffusion that
    ends in c, a bridge whose variances are smaller by rho^2; below it the coordinate follows the denoiser like any other.
    Without noise that is DDNM's algorithm 1. Exact, but for the size of the steps, where the prior does not couple measured
    and other coordinates (a stationary Gaussian under Fourier masks); elsewhere the others learn from c only through z.

    Args:
        eta: 1 for ancestral, 0 for deterministic steps, which with noise lose variance: below its level a deterministic step
            makes of one c always the same image.
    """
    operator, noise = task.operator, task.noise
    c, rho = operator.row_coordinates(task.y), task.noise_std**2
    steps = task.levels()
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
    """(b, ...) -> (b, ...): the step of coordinates that end in c at noise variance ``rho``; meaningless below it."""
    remaining = (level.variance - rho).clamp_min(torch.finfo(rho.dtype).tiny)
    return bridge(z, c, remaining, (level.next_variance - rho).clamp_min(0), eta, noise)
