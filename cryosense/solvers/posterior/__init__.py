"""Diffusion posterior samplers: x ~ p(x | y) with the denoiser of a diffusion model as the prior.

Each sampler is a function of a ``Task`` and its own constants. It returns images (b, 1, n, n) and calls the denoiser exactly
once per timestep: NFE = len(timesteps). Its only random numbers are the task's draws, which are keyed by image and sample,
so that a result does not depend on batch or order.

Samplers run without gradients; those that need one (``dps``, ``pigdm`` with a Jacobian) turn them on themselves.
"""

from cryosense.solvers.posterior.covariance import Covariance, JacobianCovariance, ScalarCovariance, StationaryCovariance
from cryosense.solvers.posterior.ddnm import ddnm
from cryosense.solvers.posterior.diffpir import diffpir
from cryosense.solvers.posterior.dps import dps
from cryosense.solvers.posterior.imaging import PLAIN, Imaging
from cryosense.solvers.posterior.nesterov import nesterov, norm_over_batch, norm_per_image
from cryosense.solvers.posterior.pigdm import pigdm
from cryosense.solvers.posterior.steps import Denoise, NoiseDraw, RowOperator, Task

__all__ = [
    "PLAIN",
    "Covariance",
    "Denoise",
    "Imaging",
    "JacobianCovariance",
    "NoiseDraw",
    "RowOperator",
    "ScalarCovariance",
    "StationaryCovariance",
    "Task",
    "ddnm",
    "diffpir",
    "dps",
    "nesterov",
    "norm_over_batch",
    "norm_per_image",
    "pigdm",
]
