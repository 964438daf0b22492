"""The noise of particle images: white, by their highest frequencies; coloured, by their corners, free of the particle."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional

from cryosense import fourier
from cryosense.data import ParticleStack, Scaling
from cryosense.errors import ArgumentError, ParticleDataError
from cryosense.operators import LinearOperator

MOST_IMAGES = 2000  # of a stack that are looked at
NEAR_PIXELS = 8  # so far apart, covariances differ within a pixel's difference of distance
LEAST_PAIRS = 8.0  # of pixels of an image at a displacement, for it to be told by itself


def corner_spectrum(images: ParticleStack, scaling: Scaling, chunk_size: int) -> Tensor:
    """Return the centred radial spectrum, (n, n) float64, of the noise of scaled images, by what lies beyond their circle.

    Covariances of pixels are means over all pairs beyond the inscribed circle at a displacement, or a distance; no pair is
    taken across the box's edge, so neither circle nor box biases them. They fall to 0 at half the box by a raised cosine,
    which averages the spectrum over about two shells; where it would fall below 0, it is 0. Noise is taken to be isotropic
    and the same in all images; what else reaches the corners counts as noise.

    Raises:
        ParticleDataError: images that are constant there.
    """
    n = images.box_size
    outside = (fourier.frequency_radius(n) > n / 2).double()
    count = len(range(0, len(images), _step(images)))
    total = sum(float((chunk * outside).sum()) for chunk in _spread(images, scaling, chunk_size))
    level = total / float(outside.sum()) / count
    sums = torch.zeros(2 * n, 2 * n, dtype=torch.float64)
    for chunk in _spread(images, scaling, chunk_size):
        sums += _by_displacement((chunk - level) * outside).sum((0, 1))
    pairs = _by_displacement(outside[None, None])[0, 0].round()
    radius, distances = fourier.frequency_radius(n), fourier.shell_index(2 * n)
    at_distance = _sums(sums, distances) / _sums(pairs, distances).clamp_min(1) / count
    middle = slice(n - n // 2, n - n // 2 + n)
    sums, pairs = sums[middle, middle], pairs[middle, middle]
    told = (radius <= NEAR_PIXELS) & (pairs >= LEAST_PAIRS)
    covariance = torch.where(told, sums / pairs.clamp_min(1) / count, at_distance[fourier.shell_index(n)])
    taper = torch.cos(radius.clamp(max=n / 2) * torch.pi / n) ** 2
    spectrum = fourier.rotational_mean(fourier.fftn(covariance * taper).real * n).clamp_min(0)
    if not float(spectrum.max()) > 0:
        raise ParticleDataError(f"{images.path}: noise=estimated: the corners of the images are constant: give noise=white")
    return spectrum


def white_noise_sigma(measured: Tensor, operator: LinearOperator) -> float:
    """Return the standard deviation per pixel of white noise, from the measured coefficients beyond the Nyquist circle.

    Args:
        measured: (b, 1, n, n) ``A^+ y``.
        operator: A.

    Raises:
        ArgumentError: masks that measure nothing there.
    """
    n = operator.box_size
    corners = fourier.frequency_radius(n, device=measured.device) > n / 2
    coefficients = operator.measured_shares[:, corners].sum(1).expand(len(measured)).sum()
    if float(coefficients) < 1:
        raise ArgumentError("noise_sigma: these masks measure no coefficient that holds only noise: give noise_sigma")
    return float((fourier.fftn(measured)[:, 0, corners].abs().square().sum() / coefficients).sqrt())


def _step(images: ParticleStack) -> int:
    return -(-len(images) // MOST_IMAGES)


def _spread(images: ParticleStack, scaling: Scaling, chunk_size: int) -> Iterator[Tensor]:
    """Yield scaled images (b, 1, n, n) from all over a stack."""
    for _, chunk in images.select(torch.arange(0, len(images), _step(images))).chunks(chunk_size):
        yield scaling(chunk)[0].double()


def _sums(plane: Tensor, index: Tensor) -> Tensor:
    return torch.zeros(int(index.max()) + 1, dtype=plane.dtype).index_add_(0, index.flatten(), plane.flatten())


def _by_displacement(x: Tensor) -> Tensor:
    """Return sums of products of pixels by how they lie to each other, (b, 1, 2 n, 2 n), 0 in the middle; none wrap around."""
    n = x.shape[-1]
    wide = functional.pad(x, (0, n, 0, n))
    return fourier.ifftn(fourier.fftn(wide).abs().square().to(torch.complex128)).real * 2 * n
