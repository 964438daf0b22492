"""Half sums of images of a Gaussian ball, with or without noise, from all sides."""

import torch

from cryosense.tasks.maps.assessment import Reconstruction
from cryosense.tasks.maps.half_sums import HalfSums
from cryosense.volumes.backproject import slices
from cryosense.volumes.poses import quaternion_rotations
from cryosense.volumes.symmetry import point_group
from cryosense.volumes.views import view_directions

N, PIXEL, COUNT, SIGMA = 16, 3.0, 400, 1.5


def gaussian(ndim: int) -> torch.Tensor:
    """-> (N,) * ndim: a centred Gaussian of deviation 1.5 px; its projection is one too, times 1.5 sqrt(2 pi)."""
    squares = (torch.arange(N) - N // 2) ** 2 / (2 * SIGMA**2)
    return torch.exp(-sum(torch.meshgrid(*(squares,) * ndim, indexing="ij"), torch.zeros(())))


def reconstruction(*, groups: int = 0, noise: float = 0.0, seed: int = 0, half_sets: str = "digest") -> Reconstruction:
    generator = torch.Generator().manual_seed(seed)
    rotations = quaternion_rotations(torch.randn(COUNT, 4, generator=generator))
    images = (gaussian(2) * SIGMA * (2 * torch.pi) ** 0.5).expand(COUNT, N, N)
    images = images + noise * torch.randn(COUNT, N, N, generator=generator)
    terms = slices(images, torch.zeros(COUNT, 2), None, None, PIXEL)
    number, identity = torch.arange(COUNT), point_group("C1")
    sums = HalfSums(N, 2, groups)
    sums.insert(terms, rotations, number % 2, number // 2 % max(groups, 1), torch.tensor([N * N // 2]), identity)
    return Reconstruction.of(sums, 1e-3, PIXEL, view_directions(rotations, identity), half_sets)
