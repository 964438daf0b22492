"""Particle images in which there is nothing to find: replaced by noise, or with phases randomised beyond a shell."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

import numpy as np
import torch
from torch import Tensor

from cryosense.fourier import fftn, ifftn, shell_index
from cryosense.seeding import generator
from cryosense.tasks.reconstruct.run import Run

Alter = Callable[[Tensor, Tensor], Tensor]  # (b, 1, n, n) images, (b,) particle numbers -> images


class Stream(IntEnum):
    """Streams of the draws, none of them that of masks or of measurement noise, which the same seed and particle key."""

    NOISE = 101
    PHASES = 102
    CHOICE = 103


def chosen_particles(count: int, most: int, seed: int) -> Tensor:
    """Return ascending positions (m,): ``most`` of ``count`` at random, or all. Not every k-th, as half sets may alternate."""
    return torch.from_numpy(np.sort(generator(seed, 0, Stream.CHOICE).permutation(count)[:most]))


def altered(run: Run, first_shell: int) -> dict[str, Alter]:
    """Return by name what becomes of a run's images; phases are random from a shell on."""
    return {
        "noise": lambda images, numbers: noise_like(images, numbers, run.seed, measured_share(run, numbers)),
        "randomised": lambda images, numbers: phases_randomised(images, numbers, run.seed, first_shell),
    }


def measured_share(run: Run, numbers: Tensor) -> Tensor:
    """Return the share (1 or b,) of the coefficients that images hold: 1 unless they are all that is left of masks."""
    if run.source.originals:
        return torch.ones(1)
    n = run.source.images.box_size
    return run.quantiser.operator(run.design.operator(n, numbers)).rank.double() / n**2


def noise_like(images: Tensor, numbers: Tensor, seed: int, share: Tensor | None = None) -> Tensor:
    """Return white noise (b, 1, n, n) with the mean and standard deviation of each image, keyed by particle numbers (b,).

    ``share``, (1 or b,): measured of images that lack all other coefficients; theirs is the deviation as if they had them.
    """
    mean = images.mean(dim=(-2, -1), keepdim=True)
    deviation = images.std(dim=(-2, -1), keepdim=True)
    if share is not None:
        deviation = deviation / share.to(images).sqrt().reshape(-1, 1, 1, 1)
    return mean + deviation * _white(images, numbers, seed, Stream.NOISE)


def phases_randomised(images: Tensor, numbers: Tensor, seed: int, first_shell: int) -> Tensor:
    """Return images (b, 1, n, n) with the same amplitudes and white noise's phases from a shell on, keyed by numbers (b,)."""
    spectrum, random = (fftn(x.double()) for x in (images, _white(images, numbers, seed, Stream.PHASES)))
    beyond = shell_index(images.shape[-1], device=images.device) >= first_shell
    return ifftn(torch.where(beyond, spectrum.abs() * random / random.abs(), spectrum)).real.to(images.dtype)


def _white(images: Tensor, numbers: Tensor, seed: int, stream: Stream) -> Tensor:
    """Return standard normals (b, 1, n, n), each image's fixed by seed and particle."""
    shape = tuple(images.shape[1:])
    drawn = [generator(seed, int(number), stream).standard_normal(shape, dtype=np.float32) for number in numbers]
    return torch.from_numpy(np.stack(drawn)).to(images)
