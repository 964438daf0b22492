"""Diffusion posterior samplers: x ~ p(x | y) with the denoiser of a diffusion model as the prior.

Each sampler is a function ``(denoise, operator, y, timesteps, *, alphas_cumprod, noise, row_std, ..., start) ->
(b, 1, n, n)`` that calls ``denoise`` exactly once per timestep: NFE = len(timesteps).

    denoise         (b, 1, n, n), t -> (b, 1, n, n): E[x_0 | x_t]
    operator        the measurement A, see :class:`RowOperator`
    y               (b, ...): y = A x + noise
    timesteps       (S,) integers, falling, as a diffusers scheduler gives them, in any spacing
    alphas_cumprod  (T,): abar_t of the model's schedule
    noise           i -> (b, 1, n, n): standard normal draw number i, which the caller keys by image and sample: a sampler has
                    no random numbers of its own, so that a result does not depend on batch or order
    row_std       (1 or b, ...): deviation of the measurement noise in row coordinates, zero where there is none
    start           (b, 1, n, n) or None: image that is noised to the first timestep; None starts from noise alone

Samplers are run without gradients; those that need one (``dps``, ``pigdm`` with a Jacobian) take it themselves.
"""

from cryosense.solvers.posterior.covariance import Covariance, JacobianCovariance, ScalarCovariance, StationaryCovariance
from cryosense.solvers.posterior.ddnm import ddnm
from cryosense.solvers.posterior.diffpir import diffpir
from cryosense.solvers.posterior.dps import dps
from cryosense.solvers.posterior.nesterov import nesterov, norm_over_batch, norm_per_image
from cryosense.solvers.posterior.pigdm import pigdm
from cryosense.solvers.posterior.steps import Denoise, NoiseDraw, RowOperator

__all__ = [
    "Covariance",
    "Denoise",
    "JacobianCovariance",
    "NoiseDraw",
    "RowOperator",
    "ScalarCovariance",
    "StationaryCovariance",
    "ddnm",
    "diffpir",
    "dps",
    "nesterov",
    "norm_over_batch",
    "norm_per_image",
    "pigdm",
]
