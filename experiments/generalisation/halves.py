"""Real particles: opened in the study's box, their noise, and how what is made of two halves of a measurement agrees."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import torch
from methods import Method
from molecules import Particles, scaled, stacked_scale
from torch import Tensor

from cryosense import fourier
from cryosense.data import FourierCrop, ParticleSource
from cryosense.measurement import Measurement
from cryosense.measurement.particle_ctf import ParticleCtf
from cryosense.operators import FourierSampling, masks

STACKS = Path(os.environ.get("CRYOSENSE_REFERENCE_DATA", "../shared/data")) / "real" / "stacks"
# Of each: its file, and the sign that makes the particles bright: those of EMPIAR-10076 are dark as they are stored.
FILES = {
    "EMPIAR-10076": ("empiar_10076_7.star", -1.0),
    "RELION 3.1": ("relion31.star", 1.0),
    "ASPIRE": ("sample_particles_relion31.star", 1.0),
}
BANDS = {"1 to 4": (1, 4), "5 to 8": (5, 8), "9 to 16": (9, 16), "17 to 31": (17, 31)}  # shells of 32
ROUNDING = 1e-10  # of an image's power: a shell that holds no more holds nothing


@dataclass(frozen=True, eq=False)
class Stack:
    """Real particles, bright, in the study's box, scaled; their CTFs; the deviation of their noise; the pixel size."""

    particles: Particles
    noise_std: float
    pixel_angstrom: float


def opened(name: str, box_size: int) -> Stack:
    """-> all particles of a stack."""
    file, sign = FILES[name]
    source = ParticleSource.open(STACKS / file, None, None, None, None, None).transformed(FourierCrop(box_size))
    images = sign * source.images[:].reshape(-1, 1, box_size, box_size).float()
    images = images - images[..., _outside(box_size)].mean(-1)[..., None, None]
    found = ParticleCtf.of(source)
    assert found is not None
    ctf = found(torch.arange(len(images)))
    particles = scaled(Particles(images, images, ctf), *stacked_scale(images))
    noise = float(particles.images[..., _outside(box_size)].var(-1).mean() ** 0.5)
    return Stack(particles, noise, float(source.images.pixel_size_angstrom or float("nan")))


def _outside(n: int) -> Tensor:
    """-> which pixels lie outside the circle that fits into the box, where no particle is."""
    return fourier.frequency_radius(n) > n / 2


def halves(box_size: int, count: int) -> tuple[FourierSampling, FourierSampling]:
    """-> two measurements of each particle, which share no coefficient but the level: a half each."""
    drawn = torch.stack([masks.uniform(box_size, 0.5, seed=(0, number)) for number in range(count)]).float()
    other = 1 - drawn
    other[:, box_size // 2, box_size // 2] = 1
    return FourierSampling(drawn), FourierSampling(other)


def agreement(one: Tensor, other: Tensor, where: Tensor) -> Tensor:
    """-> the correlation of coefficients of images (b, 1, n, n) in each shell, of those in ``where``, (b, n // 2 + 1)."""
    a, b = (fourier.hartley(image.double())[:, 0] * where for image in (one, other))
    product, *powers = (fourier.shell_sum(each) for each in (a * b, a**2, b**2))
    least = [ROUNDING * image.double().square().sum((-2, -1)) for image in (one, other)]
    empty = (powers[0] <= least[0]) | (powers[1] <= least[1])
    return torch.where(empty, 0.0, product / (powers[0] * powers[1]).sqrt().clamp_min(1e-30))


def banded(curves: Tensor) -> Tensor:
    """-> means over BANDS of curves (b, n // 2 + 1), (b, bands), weighted by the number of coefficients."""
    return torch.stack(
        [(curves * _sizes(first, last)).sum(-1) / _sizes(first, last).sum() for first, last in BANDS.values()], -1
    )


def _sizes(first: int, last: int) -> Tensor:
    radius = torch.arange(33, dtype=torch.float64)
    return radius * (radius >= first) * (radius <= last)


@torch.no_grad()
def judged(stack: Stack, method: Method) -> dict[str, Tensor]:
    """-> per particle and band: agreement of what is made of a half with the other, and with what that measured."""
    images, n = stack.particles.images, stack.particles.images.shape[-1]
    operators = halves(n, len(images))
    made = [method(Measurement(operator(images), operator).seen_through(stack.particles.ctf)) for operator in operators]
    everywhere = torch.ones(len(images), n, n, dtype=torch.float64)
    unseen = [operator.measured_shares.double() for operator in reversed(operators)]
    others = images.roll(1, 0)
    return {
        "halves": banded(agreement(made[0], made[1], everywhere)),
        "not measured": sum(banded(agreement(x, images, part)) for x, part in zip(made, unseen, strict=True)) / 2,
        "another particle": sum(banded(agreement(x, others, part)) for x, part in zip(made, unseen, strict=True)) / 2,
    }


def noise_found(stack: Stack) -> tuple[Tensor, Tensor]:
    """-> the spectrum of the images over that of what lies outside the circle, and the latter's fall, each by band."""
    images, outside = stack.particles.images.double(), _outside(stack.particles.images.shape[-1])
    spectrum = fourier.power_spectrum(images)[:, 0].mean(0)
    edge = images * outside - (images * outside).sum((-2, -1), keepdim=True) / outside.sum() * outside
    noise = fourier.power_spectrum(edge)[:, 0].mean(0) / outside.double().mean()
    in_bands = banded(torch.stack([spectrum, noise]))
    return in_bands[0] / in_bands[1], in_bands[1] / in_bands[1, -1]
