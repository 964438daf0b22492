"""What a particle's box holds beside the particle: neighbours in the ice, and ice that grows thicker towards one side."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from cryosense import fourier
from cryosense.errors import ArgumentError
from cryosense.volumes import poses
from cryosense.volumes.ctf import CtfParameters, ctf_half_plane
from cryosense.volumes.project import Projector

from .draws import Purpose, normals, uniforms
from .ranges import Range, ends

MOST_NEIGHBOURS = 4
NEAREST_DIAMETERS = 0.9


@dataclass(frozen=True)
class Surroundings:
    """``neighbours``, how many are sought in and around a box, and ``ice_gradient``, at most, per micrograph: ranges.

    A neighbour is a molecule of the same kind in another pose. It lies anywhere where some of it may be seen, but if nearer
    than 0.9 diameters of the molecule it is left out. The gradient is in standard deviations of the noise, from the
    middle of the box to its edge.

    Raises:
        ArgumentError: neighbours outside [0, 4], a negative gradient.
    """

    neighbours: Range = (0.0, 2.0)
    ice_gradient: Range = (0.0, 0.5)

    def __post_init__(self) -> None:
        low, high = ends(self.neighbours, "neighbours")
        if not 0 <= low <= high <= MOST_NEIGHBOURS:
            raise ArgumentError(f"neighbours is {self.neighbours}: give numbers between 0 and {MOST_NEIGHBOURS}")
        if ends(self.ice_gradient, "ice_gradient")[0] < 0:
            raise ArgumentError(f"ice_gradient is {self.ice_gradient}: it must not be negative")


@dataclass(frozen=True)
class Neighbours:
    """k neighbours: whose each is, (k,) rows of the particles asked for, its offset (k, 2) x, y, and its angles (k, 3)."""

    owners: Tensor
    offsets_angstrom: Tensor
    angles_deg: Tensor


def neighbours(seed: int, particles: range, sought: float, field_angstrom: float, nearest_angstrom: float) -> Neighbours:
    """Return neighbours of b particles: offsets of up to ``field_angstrom`` along x and y, ``nearest_angstrom`` or more."""
    drawn = uniforms(seed, Purpose.NEIGHBOUR, particles, 3 * MOST_NEIGHBOURS).unflatten(1, (MOST_NEIGHBOURS, 3))
    quaternions = normals(seed, Purpose.NEIGHBOUR_POSE, particles, (MOST_NEIGHBOURS, 4)).double()
    offsets = field_angstrom * (2 * drawn[..., :2] - 1)
    there = (drawn[..., 2] < sought / MOST_NEIGHBOURS) & (offsets.norm(dim=-1) >= nearest_angstrom)
    angles = poses.euler_angles(poses.quaternion_rotations(quaternions[there]))
    return Neighbours(there.nonzero()[:, 0], offsets[there], angles)


def neighbour_images(
    projector: Projector, found: Neighbours, ctf: CtfParameters, pixel_size_angstrom: float, count: int
) -> Tensor:
    """Return what neighbours add to b images, (b, n, n): projected, modulated by their particle's CTF, cut at the box."""
    n = projector.box_size
    images = torch.zeros(count, n, n)
    if not len(found.owners):
        return images
    states = torch.zeros(len(found.owners), dtype=torch.int64)
    alone = fourier.from_half_plane(projector(poses.rotation_matrices(found.angles_deg).float(), states), n)
    # In a box of twice the size nothing that leaves on one side comes in again on the other.
    spectra = fourier.half_plane(nn.functional.pad(alone, (n // 2,) * 4))
    spectra *= ctf_half_plane(_of(ctf, found.owners), 2 * n, pixel_size_angstrom)
    spectra *= poses.origin_phases(-found.offsets_angstrom.float(), 2 * n, pixel_size_angstrom)
    placed = fourier.from_half_plane(spectra, 2 * n)[:, n // 2 : -(n // 2), n // 2 : -(n // 2)]
    return images.index_add_(0, found.owners, placed)


def ice(seed: int, particles: range, most: float, box_size: int) -> Tensor:
    """Return slopes, (b, n, n): a direction and a steepness of at most ``most`` for each particle."""
    drawn = uniforms(seed, Purpose.ICE, particles, 2).float()
    axis = (torch.arange(box_size) - box_size // 2) / (box_size / 2)
    angle, steepness = 2 * torch.pi * drawn[:, :1], most * drawn[:, 1:, None]
    across, along = torch.cos(angle) * axis, torch.sin(angle) * axis
    return steepness * (along[:, :, None] + across[:, None, :])


def _of(ctf: CtfParameters, rows: Tensor) -> CtfParameters:
    """Return the parameters of chosen particles."""
    chosen = {name: value[rows] for name, value in vars(ctf).items() if isinstance(value, Tensor)}
    return replace(ctf, **chosen)
