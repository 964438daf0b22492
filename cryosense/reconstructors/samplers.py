"""A posterior sampler with its constants, named for the record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from cryosense.denoisers import GaussianDenoiser
from cryosense.solvers.posterior import Covariance, JacobianCovariance, ScalarCovariance, StationaryCovariance, Task, pigdm


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
    covariance: Callable[[GaussianDenoiser], Covariance] | None = None

    def sample(self, task: Task, gaussian: GaussianDenoiser) -> Tensor:
        """-> (b, 1, n, n): one sample for each measurement, of images with the power spectrum of a Gaussian model."""
        model = {} if self.covariance is None else {"covariance": self.covariance(gaussian)}
        return self.function(task, **model)


def scalar_covariance(gaussian: GaussianDenoiser) -> Covariance:
    """-> one variance for all coefficients, from the variance of the images: the published PiGDM."""
    return ScalarCovariance(float(gaussian.spectrum.mean()))


def jacobian_covariance(gaussian: GaussianDenoiser, *, tolerance: float = 1e-2, max_iterations: int = 3) -> Covariance:
    """-> that of the denoiser's own Jacobian, by conjugate gradients through the network."""
    del gaussian
    return JacobianCovariance(tolerance, max_iterations)


def stationary_covariance(
    gaussian: GaussianDenoiser, *, draw: bool = True, tolerance: float = 1e-4, max_iterations: int = 100
) -> Covariance:
    """-> that of stationary images with this power spectrum, by conjugate gradients without the network."""
    return StationaryCovariance(gaussian.error_spectrum, draw, tolerance, max_iterations)


STATIONARY = Sampler("stationary", pigdm, stationary_covariance)
