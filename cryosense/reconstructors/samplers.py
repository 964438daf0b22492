"""A posterior sampler with its constants, named for records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from cryosense.denoisers import GaussianDenoiser
from cryosense.solvers.posterior import Covariance, JacobianCovariance, ScalarCovariance, StationaryCovariance, Task, pigdm


@dataclass(frozen=True)
class Sampler:
    """One algorithm of ``cryosense.solvers.posterior``.

    Attributes:
        name: name of the sampler in records.
        function: the algorithm with its constants.
        covariance: makes the model of the denoiser's error from the Gaussian model of the images; None if not needed.
    """

    name: str
    function: Callable[..., Tensor]
    covariance: Callable[[GaussianDenoiser], Covariance] | None = None

    def sample(self, task: Task, gaussian: GaussianDenoiser) -> Tensor:
        """Return one sample, (b, 1, n, n), for each measurement of images with the power spectrum of a Gaussian model."""
        model = {} if self.covariance is None else {"covariance": self.covariance(gaussian)}
        return self.function(task, **model)


def scalar_covariance(gaussian: GaussianDenoiser) -> Covariance:
    """Return one variance for all coefficients, from the variance of the images: the published PiGDM."""
    return ScalarCovariance(float(gaussian.spectrum.mean()))


def jacobian_covariance(gaussian: GaussianDenoiser, *, tolerance: float = 1e-2, max_iterations: int = 3) -> Covariance:
    """Return the covariance by the denoiser's own Jacobian, with conjugate gradients through the network."""
    del gaussian
    return JacobianCovariance(tolerance, max_iterations)


def stationary_covariance(
    gaussian: GaussianDenoiser, *, draw: bool = True, tolerance: float = 1e-4, max_iterations: int = 100
) -> Covariance:
    """Return the covariance of stationary images with this power spectrum, by conjugate gradients without the network."""
    return StationaryCovariance(gaussian.error_spectrum, draw, tolerance, max_iterations)


STATIONARY = Sampler("stationary", pigdm, stationary_covariance)
