"""Posterior sampling where everything is known: a stationary Gaussian image, its exact denoiser, its dense posterior."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from cryosense import fourier
from cryosense.denoisers import GaussianDenoiser
from cryosense.measurement.noise import GaussianNoise, Noise, NoNoise
from cryosense.operators import FourierSampling, LinearOperator, PixelMasking, masks
from cryosense.solvers.posterior import (
    PLAIN,
    Imaging,
    JacobianCovariance,
    ScalarCovariance,
    StationaryCovariance,
    ddnm,
    diffpir,
    dps,
    nesterov,
    pigdm,
)

ABAR = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64), 0)
MEAN = 0.1
NOISES: dict[str, Noise] = {
    "clean": NoNoise(),
    "noisy": GaussianNoise(0.2, units="image", placement="after", seed=5),
}


def spectrum(n: int) -> Tensor:
    """-> (n, n): white noise of deviation 0.25 and a signal forty times its power at the origin, as in a particle image."""
    return 0.06 * (1 + 40 / (1 + (fourier.frequency_radius(n) / 2) ** 4))


def denoiser(n: int) -> GaussianDenoiser:
    return GaussianDenoiser(MEAN, spectrum(n), ABAR)


def operators(n: int) -> dict[str, LinearOperator]:
    """-> one operator of each domain, at compressions 2.5 and 2."""
    return {
        "fourier": FourierSampling(masks.uniform(n, 0.4, symmetric=True, seed=0)),
        "pixel": PixelMasking(masks.random_binary(n, 8, keep_probability=0.5, seed=0), 4),
    }


def samplers(n: int) -> dict[str, Callable[..., Tensor]]:
    """-> every sampler with its own options set."""
    stationary = partial(StationaryCovariance, denoiser(n).error_spectrum, tolerance=1e-3, max_iterations=50)
    return {
        "ddnm": ddnm,
        "diffpir": partial(diffpir, renewed=0.3),
        "dps": dps,
        "nesterov": nesterov,
        "pigdm scalar": partial(pigdm, covariance=ScalarCovariance(1.0)),
        "pigdm jacobian": partial(pigdm, covariance=JacobianCovariance(1e-3, max_iterations=6)),
        "pigdm stationary": partial(pigdm, covariance=stationary(draw=False)),
        "pigdm stationary draws": partial(pigdm, covariance=stationary(draw=True)),
    }


def timesteps(count: int) -> Tensor:
    """-> (count,): as diffusers' "leading" spacing."""
    return torch.arange(count).flip(0) * (1000 // count)


def keyed_noise(images: Tensor, n: int, dtype: torch.dtype = torch.float32) -> Callable[[int], Tensor]:
    """(b,) identities -> noise(i) whose every image depends on its identity alone."""

    def draw(i: int, image: int) -> Tensor:
        return torch.randn(1, n, n, dtype=dtype, generator=torch.Generator().manual_seed(1000003 * image + i))

    return lambda i: torch.stack([draw(i, int(image)) for image in images])


def batch_noise(count: int, n: int) -> Callable[[int], Tensor]:
    """-> noise(i), drawn at once for many samples."""
    return lambda i: torch.randn(count, 1, n, n, generator=torch.Generator().manual_seed(i))


def image(n: int, seed: int = 7) -> Tensor:
    """-> (1, 1, n, n) drawn from the model."""
    white = torch.randn(1, 1, n, n, generator=torch.Generator().manual_seed(seed))
    return MEAN + fourier.filtered(white, fourier.centred_to_half_plane(spectrum(n).sqrt()).float())


class Posterior(NamedTuple):
    """Eigenbasis of the posterior covariance, float64."""

    mean: Tensor  # (n^2,)
    modes: Tensor  # (n^2, n^2), columns
    variances: Tensor  # (n^2,), zero for what is known exactly


def posterior(operator: LinearOperator, y: Tensor, row_std: Tensor, imaging: Imaging = PLAIN) -> Posterior:
    """(1, ...) -> x given y by dense conditioning on the measured row coordinates of C x + n."""
    n = operator.box_size
    exact = operator.double_precision()
    units = torch.eye(n * n, dtype=torch.float64).reshape(-1, 1, n, n)
    prior = fourier.filtered(units, fourier.centred_to_half_plane(spectrum(n))).flatten(1)
    known = (exact.row_noise_gain > 0).flatten()
    rows = exact.row_forward(units).flatten(1).T[known]
    noise = torch.diag(row_std.double().expand_as(exact.row_noise_gain).flatten()[known] ** 2)
    if imaging.noise is not None:
        noise = noise + rows @ fourier.filtered(units, imaging.noise[0]).flatten(1) @ rows.T
    if imaging.transfer is not None:
        rows = rows @ fourier.filtered(units, imaging.transfer[0].double()).flatten(1)
    gain = prior @ rows.T @ torch.linalg.inv(rows @ prior @ rows.T + noise)
    level = torch.full((n * n,), MEAN, dtype=torch.float64)
    mean = level + gain @ (exact.row_coordinates(y.double()).flatten()[known] - rows @ level)
    variances, modes = torch.linalg.eigh(prior - gain @ rows @ prior)
    return Posterior(mean, modes, torch.where(variances > 1e-9, variances, 0.0))
