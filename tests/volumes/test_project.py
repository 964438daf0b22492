"""Central slices against projections summed in real space."""

import pytest
import torch

from cryosense import fourier
from cryosense.volumes import poses
from cryosense.volumes.project import Projector

N, SIGMA = 48, 1.8
# An object without symmetry: Gaussian blobs at x, y, z from the centre, with unequal weights.
CENTRES = torch.tensor([[9.0, 2.0, -4.0], [-6.0, 8.0, 3.0], [2.0, -9.0, 7.0], [0.0, 3.0, 11.0], [-4.0, -3.0, -10.0]])
WEIGHTS = torch.tensor([1.0, 0.7, 1.3, 0.5, 0.9])


def blobs(centres: torch.Tensor, ndim: int) -> torch.Tensor:
    """(m, ndim) x, y(, z) -> (n,) * ndim with x along the last axis."""
    axis = torch.arange(N, dtype=torch.float32) - N // 2
    gauss = torch.exp(-((axis - centres[..., None]) ** 2) / (2 * SIGMA**2))  # (m, ndim, n)
    if ndim == 2:
        return torch.einsum("m,my,mx->yx", WEIGHTS, gauss[:, 1], gauss[:, 0])
    return torch.einsum("m,mz,my,mx->zyx", WEIGHTS, gauss[:, 2], gauss[:, 1], gauss[:, 0])


AXIAL = 3


def angles() -> torch.Tensor:
    drawn = torch.rand(12, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor([360.0, 180.0, 360.0])
    return torch.cat([torch.zeros(1, 3), torch.tensor([[0.0, 90.0, 0.0], [90.0, 0.0, 0.0]]), drawn])


@pytest.mark.parametrize(("pad_factor", "generic", "axial"), [(2, 0.03, 0.05), (4, 0.007, 0.013)])
def test_slices_are_projections_of_the_rotated_object(pad_factor: int, generic: float, axial: float) -> None:
    """Each blob lands where RELION's matrix carries it, with the closed-form line integral; errors in root mean square."""
    matrices = poses.rotation_matrices(angles())
    projector = Projector(blobs(CENTRES, 3)[None], pad_factor)
    images = fourier.from_half_plane(projector(matrices, torch.zeros(len(matrices), dtype=torch.long)), N)
    for i, (image, matrix) in enumerate(zip(images, matrices, strict=True)):
        expected = blobs((CENTRES @ matrix)[:, :2], 2) * SIGMA * (2 * torch.pi) ** 0.5
        assert (image - expected).norm() / expected.norm() < (axial if i < AXIAL else generic)


def test_states_are_projected_from_their_own_volume() -> None:
    volumes = torch.stack([blobs(CENTRES, 3), 2 * blobs(-CENTRES, 3)])
    matrices = poses.rotation_matrices(angles()[:6])
    states = torch.tensor([1, 0, 1, 1, 0, 0])
    both = Projector(volumes, 2)(matrices, states)
    for i, state in enumerate(states.tolist()):
        alone = Projector(volumes[state : state + 1], 2)(matrices[i : i + 1], torch.zeros(1, dtype=torch.long))[0]
        torch.testing.assert_close(both[i], alone, atol=1e-4, rtol=1e-4)


def test_odd_boxes_are_refused() -> None:
    with pytest.raises(ValueError, match="n even"):
        Projector(torch.zeros(1, 33, 33, 33), 2)
