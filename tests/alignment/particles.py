"""Particles of a lopsided density with known poses, made by the conventions of the simulation, for tests of alignment."""

from typing import NamedTuple

import torch
from torch import Tensor

from cryosense import fourier
from cryosense.volumes.ctf import CtfParameters, ctf_half_plane
from cryosense.volumes.poses import origin_phases, quaternion_rotations
from cryosense.volumes.project import Projector

PIXEL = 6.0


class Particles(NamedTuple):
    """b images (b, n, n), CTF (b, n, n // 2 + 1), rotations (b, 3, 3) and origins (b, 2) in pixels."""

    images: Tensor
    ctf: Tensor
    rotations: Tensor
    origins_pixels: Tensor


def lopsided(box_size: int, symmetry: Tensor | None = None) -> Tensor:
    """-> (n, n, n): six blobs of different size, each at a place of its own; under each operation of a group (g, 3, 3)."""
    generator = torch.Generator().manual_seed(4)
    places = 0.17 * box_size * torch.randn(6, 3, generator=generator).clamp(-1.4, 1.4)
    axis = torch.arange(box_size) - box_size // 2
    z, y, x = torch.meshgrid(axis, axis, axis, indexing="ij")
    grid = torch.stack([x, y, z], -1).float()
    volume = torch.zeros(box_size, box_size, box_size)
    for operation in torch.eye(3)[None] if symmetry is None else symmetry.float():
        for number, place in enumerate(places):
            width = 0.03 * box_size * (1 + number / 4)
            volume += (number + 1) * torch.exp(-(grid - operation @ place).square().sum(-1) / (2 * width**2))
    return volume


def particles(volume: Tensor, count: int, noise_std: float = 0.0, seed: int = 0, most_pixels: float = 2.0) -> Particles:
    """-> particles with shifts up to ``most_pixels`` along x and y, an astigmatic CTF each, and white noise."""
    generator = torch.Generator().manual_seed(seed)
    n = volume.shape[-1]
    rotations = quaternion_rotations(torch.randn(count, 4, generator=generator, dtype=torch.float64))
    origins = most_pixels * (2 * torch.rand(count, 2, generator=generator, dtype=torch.float64) - 1)
    defocus = 9000 + 6000 * torch.rand(count, generator=generator)
    angle = 180 * torch.rand(count, generator=generator)
    ctf = ctf_half_plane(CtfParameters(defocus + 400, defocus - 400, angle, 300.0, 2.7, 0.1, 0.0, 0.0), n, PIXEL)
    planes = Projector(volume[None], 2)(rotations.float(), torch.zeros(count, dtype=torch.int64))
    images = fourier.from_half_plane(planes * ctf * origin_phases((origins * PIXEL).float(), n, PIXEL), n)
    return Particles(images + noise_std * torch.randn(images.shape, generator=generator), ctf, rotations, origins)
