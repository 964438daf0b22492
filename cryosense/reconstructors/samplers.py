"""A posterior sampler with its constants, named for the record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from cryosense.denoisers import Denoiser, GaussianDenoiser
from cryosense.operators import LinearOperator
from cryosense.solvers.posterior import Covariance, JacobianCovariance, NoiseDraw, ScalarCovariance, StationaryCovariance


class Task(NamedTuple):
    """What there is to sample from: a prior, a measurement, a schedule, the draws."""

    denoiser: Denoiser
    gaussian: GaussianDenoiser  # with the power spectrum of images like these
    operator: LinearOperator
    y: Tensor  # (b, ...)
    row_std: Tensor  # (1 or b, ...)
    timesteps: Tensor  # (s,)
    noise: NoiseDraw
    start: Tensor | None  # (b, 1, n, n)


@dataclass(frozen=True)
class Sampler:
    """One algorithm of :mod:`cryosense.solvers.posterior`.

    Attributes:
        name: for the record.
        function: the algorithm with its constants.
        covariance: for those that model the denoiser's error: the Gaussian model of these images -> what is unknown.
    """

    name: str
    function: Callable[..., Tensor]
    covariance: Callable[[GaussianDenoiser], Covariance] | None

    def sample(self, task: Task) -> Tensor:
        """-> (b, 1, n, n): one sample for each measurement."""
        model = {} if self.covariance is None else {"covariance": self.covariance(task.gaussian)}
        return self.function(
            task.denoiser,
            task.operator,
            task.y,
            task.timesteps,
            alphas_cumprod=task.denoiser.alphas_cumprod,
            noise=task.noise,
            row_std=task.row_std,
            start=task.start,
            **model,
        )


def scalar_covariance(gaussian: GaussianDenoiser) -> Covariance:
    """-> one variance for all coefficients, from the variance of the images: the published PiGDM."""
    return ScalarCovariance(float(gaussian.spectrum.mean()))


def jacobian_covariance(gaussian: GaussianDenoiser, *, tolerance: float, max_iterations: int) -> Covariance:
    """-> that of the denoiser's own Jacobian, by conjugate gradients through the network."""
    del gaussian
    return JacobianCovariance(tolerance, max_iterations)


def stationary_covariance(gaussian: GaussianDenoiser, *, draw: bool, tolerance: float, max_iterations: int) -> Covariance:
    """-> that of stationary images with this power spectrum, by conjugate gradients without the network."""
    return StationaryCovariance(gaussian.error_spectrum, draw, tolerance, max_iterations)
