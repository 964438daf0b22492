"""Poses as RELION writes them: ZYZ Euler angles in degrees and in-plane origins in Angstrom.

The rotation matrix of a pose here is ``R = Rz(rot) Ry(tilt) Rz(psi)``, acting on column vectors (x, y, z). It carries image
coordinates to map coordinates: the particle image is ``p(x, y) = integral over z of V(R (x, y, z))``. RELION's own matrix is
its transpose (Heymann, Chagoyen and Belnap 2005). x runs along the last axis of an array, y along the one before, z along
the first.

An origin (``rlnOriginXAngst``, ``rlnOriginYAngst``) is the shift that, applied to the image, centres the particle: the
particle itself lies at minus the origin.
"""

from __future__ import annotations

import torch
from torch import Tensor

# Below this sine of the tilt, rot and psi turn about the same axis and only their sum (or difference) is determined.
POLE = 1e-6


def _about_z(angle: Tensor) -> Tensor:
    cos, sin, zero, one = torch.cos(angle), torch.sin(angle), torch.zeros_like(angle), torch.ones_like(angle)
    return torch.stack([cos, -sin, zero, sin, cos, zero, zero, zero, one], dim=-1).unflatten(-1, (3, 3))


def _about_y(angle: Tensor) -> Tensor:
    cos, sin, zero, one = torch.cos(angle), torch.sin(angle), torch.zeros_like(angle), torch.ones_like(angle)
    return torch.stack([cos, zero, sin, zero, one, zero, -sin, zero, cos], dim=-1).unflatten(-1, (3, 3))


def rotation_matrices(angles_deg: Tensor) -> Tensor:
    """Return ``Rz(rot) Ry(tilt) Rz(psi)``, image to map coordinates, (..., 3, 3), for angles (..., 3) in degrees."""
    rot, tilt, psi = torch.deg2rad(angles_deg).unbind(-1)
    return _about_z(rot) @ _about_y(tilt) @ _about_z(psi)


def euler_angles(matrices: Tensor) -> Tensor:
    """Return rot, tilt in [0, 180] and psi in degrees, (..., 3), for matrices (..., 3, 3): inverts ``rotation_matrices``.

    At tilt 0 and 180, where only one in-plane angle is determined, psi is set to 0.
    """
    sine = torch.hypot(matrices[..., 0, 2], matrices[..., 1, 2])
    at_pole = sine < POLE
    tilt = torch.atan2(sine, matrices[..., 2, 2])
    psi = torch.atan2(matrices[..., 2, 1], -matrices[..., 2, 0])
    psi = torch.where(at_pole, torch.zeros_like(psi), psi)
    rot = torch.atan2(matrices[..., 1, 2], matrices[..., 0, 2])
    pole_rot = torch.atan2(-matrices[..., 0, 1], matrices[..., 1, 1])
    return torch.rad2deg(torch.stack([torch.where(at_pole, pole_rot, rot), tilt, psi], dim=-1))


def quaternion_rotations(quaternions: Tensor) -> Tensor:
    """Return rotation matrices (..., 3, 3) for quaternions (..., 4) w, x, y, z of any non-zero length.

    Four independent standard normals give a rotation uniform over SO(3) (Shoemake 1992).
    """
    w, x, y, z = (quaternions / quaternions.norm(dim=-1, keepdim=True)).unbind(-1)
    rows = [
        torch.stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)], dim=-1),
        torch.stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)], dim=-1),
        torch.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], dim=-1),
    ]
    return torch.stack(rows, dim=-2)


def origin_phases(origins_angstrom: Tensor, box_size: int, pixel_size_angstrom: float) -> Tensor:
    """Return half-plane factors, (b, n, n // 2 + 1) complex, that move the particle to minus the origin (b, 2) x, y.

    Origins are in Angstrom. The conjugates of the factors centre the particle again.
    """
    n = box_size
    device = origins_angstrom.device
    # Frequencies of the half plane in cycles per box: rows 0 .. n/2 - 1, -n/2 .. -1, columns 0 .. n/2.
    rows = (torch.arange(n, device=device) + n // 2) % n - n // 2
    columns = torch.arange(n // 2 + 1, device=device)
    x, y = (2 * torch.pi / (n * pixel_size_angstrom) * origins_angstrom).unbind(-1)
    angle = y[:, None, None] * rows[:, None] + x[:, None, None] * columns
    return torch.polar(torch.ones_like(angle), angle)


def centring_phases(origins_angstrom: Tensor, box_size: int, pixel_size_angstrom: float) -> tuple[Tensor, Tensor]:
    """Return half-plane factors, (b, n, 1) and (b, 1, n // 2 + 1) complex, that centre particles with origins (b, 2) x, y.

    Origins are in Angstrom. The product of the factors is the conjugate of ``origin_phases``, times what moves pixel n // 2 to
    pixel 0.
    """
    n, device = box_size, origins_angstrom.device
    rows = (torch.arange(n, device=device) + n // 2) % n - n // 2
    columns = torch.arange(n // 2 + 1, device=device)
    x, y = (n // 2 - origins_angstrom.double() / pixel_size_angstrom).unbind(-1)
    angles = [2 * torch.pi / n * shift[:, None] * axis for shift, axis in ((y, rows), (x, columns))]
    along_rows, along_columns = (torch.polar(torch.ones_like(a), a).to(torch.complex64) for a in angles)
    return along_rows[:, :, None], along_columns[:, None]
