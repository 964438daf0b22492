"""Poses against SciPy, against RELION's printed matrix and against an object one can follow by eye."""

import math

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from cryosense import fourier
from cryosense.volumes import poses


def random_angles(count: int) -> torch.Tensor:
    uniform = torch.rand(count, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    return uniform * torch.tensor([360.0, 180.0, 360.0]) - torch.tensor([180.0, 0.0, 180.0])


def test_matrices_are_scipys_intrinsic_zyz() -> None:
    angles = random_angles(50)
    expected = Rotation.from_euler("ZYZ", angles.numpy(), degrees=True).as_matrix()
    torch.testing.assert_close(poses.rotation_matrices(angles), torch.from_numpy(expected))


def test_the_transpose_is_relions_matrix() -> None:
    """The matrix of Heymann, Chagoyen & Belnap 2005, element by element."""
    a, b, g = 0.3, 1.1, -0.7
    ca, cb, cg, sa, sb, sg = *(math.cos(t) for t in (a, b, g)), *(math.sin(t) for t in (a, b, g))
    relion = [
        [cg * cb * ca - sg * sa, cg * cb * sa + sg * ca, -cg * sb],
        [-sg * cb * ca - cg * sa, -sg * cb * sa + cg * ca, sg * sb],
        [sb * ca, sb * sa, cb],
    ]
    ours = poses.rotation_matrices(torch.rad2deg(torch.tensor([a, b, g], dtype=torch.float64)))
    torch.testing.assert_close(ours.T, torch.tensor(relion, dtype=torch.float64))


def test_euler_angles_invert_also_at_the_poles() -> None:
    angles = torch.cat([random_angles(50), torch.tensor([[30.0, 0.0, 15.0], [30.0, 180.0, 15.0], [0.0, 0.0, 0.0]])])
    back = poses.euler_angles(poses.rotation_matrices(angles))
    torch.testing.assert_close(back[:50], angles[:50])
    torch.testing.assert_close(poses.rotation_matrices(back), poses.rotation_matrices(angles), atol=1e-7, rtol=0)


def test_quaternions_are_scipys_and_normals_give_uniform_rotations() -> None:
    quaternions = torch.randn(20_000, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    matrices = poses.quaternion_rotations(quaternions)
    expected = Rotation.from_quat(quaternions.numpy(), scalar_first=True).as_matrix()
    torch.testing.assert_close(matrices, torch.from_numpy(expected))
    # Haar measure: cos(tilt) is uniform on [-1, 1], and the rotation angle has density (1 - cos w) / pi.
    cos_tilt = matrices[:, 2, 2].sort().values
    assert (cos_tilt - torch.linspace(-1, 1, 20_000)).abs().max() < 0.03
    angle = torch.acos(((matrices.diagonal(dim1=1, dim2=2).sum(-1) - 1) / 2).clamp(-1, 1)).sort().values
    cumulative = (angle - torch.sin(angle)) / math.pi
    assert (cumulative - torch.linspace(0, 1, 20_000)).abs().max() < 0.015


def test_an_origin_is_the_shift_that_centres_the_image() -> None:
    image = torch.zeros(1, 16, 16)
    image[0, 8, 8] = 1
    phases = poses.origin_phases(torch.tensor([[-6.0, 4.0]]), 16, 2.0)
    moved = fourier.from_half_plane(fourier.half_plane(image) * phases, 16)
    expected = np.zeros((1, 16, 16), dtype=np.float32)
    expected[0, 8 - 2, 8 + 3] = 1  # the particle lies at minus the origin: x +3 px, y -2 px
    torch.testing.assert_close(moved, torch.from_numpy(expected), atol=1e-6, rtol=0)
    centred = fourier.from_half_plane(fourier.half_plane(moved) * phases.conj(), 16)
    torch.testing.assert_close(centred, image, atol=1e-6, rtol=0)
