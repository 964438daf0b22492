"""Gaussian models N(x0hat, C) of a clean image given a noisy one, and how they are conditioned on a measurement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor

from cryosense import fourier
from cryosense.errors import ArgumentError
from cryosense.solvers.linear import Map, conjugate_gradients
from cryosense.solvers.posterior.imaging import PLAIN, Imaging
from cryosense.solvers.posterior.steps import Denoise, Level, NoiseDraw, RowOperator


@dataclass(frozen=True, eq=False)
class Measured:
    """Row coordinates ``c = V^T x`` plus noise of standard deviation ``noise_std``, x being seen as ``imaging`` says."""

    operator: RowOperator
    c: Tensor  # (b, ...)
    noise_std: Tensor  # (1 or b, ...)
    imaging: Imaging = PLAIN

    @cached_property
    def variance(self) -> Tensor:
        """Of the noise, (1 or b, ...)."""
        return self.noise_std**2

    @cached_property
    def mean_variance(self) -> Tensor:
        """Of the noise over what is measured of an image, (1 or b,)."""
        known = self.operator.row_noise_gain > 0
        return (self.variance * known).flatten(1).sum(1) / known.flatten(1).sum(1)

    def forward(self, x: Tensor) -> Tensor:
        """Return what is measured of images (b, 1, n, n), without noise, in row coordinates (b, ...)."""
        return self.operator.row_forward(self.imaging.image(x))

    def adjoint(self, c: Tensor) -> Tensor:
        """Return the adjoint of ``forward``, (b, 1, n, n), of row coordinates (b, ...)."""
        return self.imaging.image(self.operator.row_adjoint(c))

    def system(self, covariance: Map) -> Map:
        """Return the map ``c -> (V^T (C + that of the imaging's noise) V + Sigma) c``, C that of x as it is seen."""

        def mapped(c: Tensor) -> Tensor:
            seen = torch.addcmul(self.forward(covariance(self.adjoint(c))), self.variance, c)
            unseen = None if self.imaging.noise is None else self.imaging.noise_covariance(self.operator.row_adjoint(c))
            return seen if unseen is None else seen + self.operator.row_forward(unseen)

        return mapped

    def drawn(self, noise: NoiseDraw, number: int, of_imaging: int) -> Tensor:
        """Return the coordinates (b, ...) with all noise drawn once more; the numbers are those of the draws."""
        c = torch.addcmul(self.c, self.noise_std, self.operator.row_forward(noise(number)))
        added = None if self.imaging.noise is None else self.imaging.noisy(noise(of_imaging))
        return c if added is None else c + self.operator.row_forward(added)


class Covariance(Protocol):
    """A model of what remains unknown of x_0 once x_t is known."""

    def conditioned(self, denoise: Denoise, z: Tensor, level: Level, measured: Measured, noise: NoiseDraw) -> Tensor:
        """Return the mean or a draw, (b, 1, n, n), of x_0 given x_t and y, with one call of ``denoise``."""


def _with_jacobian(denoise: Denoise, z: Tensor, level: Level) -> tuple[Tensor, Map]:
    """Return x0hat and the map ``v -> sigma^2 (d x0hat / d z)^T v``: Cov(x_0 | z) v by Tweedie's second-order formula."""
    with torch.enable_grad():
        point = z.detach().requires_grad_()
        x0 = level.denoised(denoise, point)

    def covariance(v: Tensor) -> Tensor:
        return level.variance.to(v.dtype) * torch.autograd.grad(x0, point, v, retain_graph=True)[0]

    return x0.detach(), covariance


@dataclass(frozen=True)
class ScalarCovariance:
    """One variance for all coefficients: the published PiGDM (Song et al. 2023).

    The system is solved with ``C = sigma^2 / (1 + sigma^2)``, images of unit variance, and its solution is carried back
    through the network by one vector-Jacobian product. ``image_variance`` replaces the unit variance.
    """

    image_variance: float

    def conditioned(self, denoise: Denoise, z: Tensor, level: Level, measured: Measured, noise: NoiseDraw) -> Tensor:
        """Return the mean, (b, 1, n, n), of x_0 given x_t and y."""
        del noise
        x0, covariance = _with_jacobian(denoise, z, level)
        if not measured.imaging.is_plain:
            raise ArgumentError("a scalar covariance does not know images seen through a transfer function or in noise")
        variance = level.variance * self.image_variance / (level.variance + self.image_variance)
        scale = (1 / (variance + measured.noise_std**2)).to(z)
        return x0 + covariance(measured.operator.row_adjoint(scale * (measured.c - measured.operator.row_forward(x0))))


@dataclass(frozen=True)
class JacobianCovariance:
    """The denoiser's own covariance, ``C = sigma^2 d x0hat / dz``, by vector-Jacobian products in conjugate gradients.

    After Boys et al. 2023 (TMPD) and Rozet et al. 2024 (MMPS). Each iteration costs one backward pass through the network; a
    network's Jacobian is not exactly symmetric, so it is meant for few iterations.

    Args:
        tolerance: relative residual at which an image stops.
        max_iterations: limit on the iterations.
    """

    tolerance: float
    max_iterations: int

    def conditioned(self, denoise: Denoise, z: Tensor, level: Level, measured: Measured, noise: NoiseDraw) -> Tensor:
        """Return the mean, (b, 1, n, n), of x_0 given x_t and y."""
        del noise
        x0, covariance = _with_jacobian(denoise, z, level)
        diagonal = level.variance / (1 + level.variance) + measured.noise_std**2
        solution, _, _ = conjugate_gradients(
            measured.system(covariance),
            measured.c - measured.forward(x0),
            lambda c: c / diagonal.to(c),
            tolerance=self.tolerance,
            max_iterations=self.max_iterations,
        )
        return x0 + covariance(measured.adjoint(solution))


@dataclass(frozen=True)
class StationaryCovariance:
    """A stationary covariance, ``C = F^H diag(error_spectrum(t)) F``: no gradients, two transforms per iteration.

    Particles are weak signals in stationary noise, so most of what a denoiser cannot know is stationary. With ``draw`` the
    step leads to a draw from N(x0hat, C) given y instead of to its mean (perturbation and optimisation, Papandreou and Yuille
    2010). A step then keeps the variance of x_0 given x_t, which steps to the mean lose, and lose more the fewer they are.

    Args:
        error_spectrum: variance of each Fourier coefficient of x_0 - x0hat at timestep t, positive, on the centred
            plane (n, n).
        draw: whether to step to a draw (with ``eta`` = 1) or to the mean.
        tolerance: relative residual at which an image stops.
        max_iterations: limit on the iterations.
    """

    error_spectrum: Callable[[int], Tensor]
    draw: bool
    tolerance: float
    max_iterations: int

    def conditioned(self, denoise: Denoise, z: Tensor, level: Level, measured: Measured, noise: NoiseDraw) -> Tensor:
        """Return the mean or a draw, (b, 1, n, n), of x_0 given x_t and y."""
        spectrum = fourier.centred_to_half_plane(self.error_spectrum(level.t).to(z.device, torch.float64))
        x0, c = level.denoised(denoise, z), measured.c
        if self.draw:
            number = 1 + level.count + 2 * level.index  # draws up to ``count`` belong to the start and the steps
            x0 = x0 + fourier.filtered(noise(number), spectrum.sqrt().to(z))
            c = measured.drawn(noise, number + 1, 1 + 3 * level.count + level.index)
        return x0 + self._explaining(c - measured.forward(x0), measured, spectrum)

    def _explaining(self, residual: Tensor, measured: Measured, spectrum: Tensor) -> Tensor:
        """Return the mean of x_0 - x0hat, (b, 1, n, n), given what x0hat leaves of the coordinates, (b, ...)."""
        covariance, seen = spectrum.to(residual), measured.imaging.spectrum(spectrum)
        scale = measured.operator.row_filter(seen)
        if scale is not None:
            solution = residual / (scale.to(residual) + measured.variance)
        else:
            solution, _, _ = conjugate_gradients(
                measured.system(lambda x: fourier.filtered(x, covariance)),
                residual,
                _preconditioner(measured, seen),
                tolerance=self.tolerance,
                max_iterations=self.max_iterations,
            )
        return fourier.filtered(measured.adjoint(solution), covariance)


def _preconditioner(measured: Measured, spectrum: Tensor) -> Map:
    """Return the map ``W V^T (C + s)^-1 V W``, C the spectrum of images as seen, s the mean noise of what is measured.

    The weights are ``W^2 = (mean C + s) / (mean C + Sigma)``. It is the exact inverse where C and A are diagonal in the same
    basis and the noise is the same in all coordinates; where the noise outweighs C, it is nearly the inverse of Sigma.
    """
    operator, noise = measured.operator, measured.variance
    mean_noise = measured.mean_variance.reshape(-1, *(1,) * (noise.ndim - 1))
    mean = spectrum.mean((-2, -1)).reshape(-1, *(1,) * (noise.ndim - 1)).to(noise)
    weight = ((mean + mean_noise) / (mean + noise)).sqrt()
    inverse = 1 / (spectrum.to(noise) + measured.mean_variance.reshape(-1, 1, 1, 1))
    return lambda r: weight * operator.row_forward(fourier.filtered(operator.row_adjoint(weight * r), inverse))
