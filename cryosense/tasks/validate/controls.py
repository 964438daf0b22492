"""Particle images in which there is nothing to find: replaced by noise, or with phases randomised beyond a shell."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import torch
from torch import Tensor

from cryosense.fourier import fftn, ifftn, shell_index
from cryosense.seeding import generator


class Stream(IntEnum):
    """Streams of the draws, none of them that of masks or of measurement noise, which the same seed and particle key."""

    NOISE = 101
    PHASES = 102
    CHOICE = 103


def chosen_particles(count: int, most: int, seed: int) -> Tensor:
    """Return ascending positions (m,): ``most`` of ``count`` at random, or all. Not every k-th, as half sets may alternate."""
    return torch.from_numpy(np.sort(generator(seed, 0, Stream.CHOICE).permutation(count)[:most]))


def noise_like(images: Tensor, numbers: Tensor, seed: int) -> Tensor:
    """Return white noise (b, 1, n, n) with the mean and standard deviation of each image, keyed by particle numbers (b,)."""
    mean = images.mean(dim=(-2, -1), keepdim=True)
    deviation = images.std(dim=(-2, -1), keepdim=True)
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
