"""Rotation matrices to RELION's Euler angles and back, for the metadata of other programs."""

from __future__ import annotations

import numpy as np


def relion_angles(matrices: np.ndarray) -> np.ndarray:
    """Return ``rlnAngleRot``, ``rlnAngleTilt``, ``rlnAnglePsi`` in degrees, (n, 3), tilt in [0, 180], of matrices (n, 3, 3).

    The matrices are RELION's (``Euler_angles2matrix``), A = Z(psi) Y(tilt) Z(rot) as rotations of the frame, so that A^T is
    the intrinsic ZYZ rotation of the object (Heymann, Chagoyen and Belnap 2005, J. Struct. Biol. 151). Psi is read off after
    rot has been undone, so that the two together stay right where tilt is 0 or 180 and rot alone has no meaning.
    """
    a = np.asarray(matrices, np.float64)
    tilt = np.arctan2(np.hypot(a[:, 2, 0], a[:, 2, 1]), a[:, 2, 2])
    rot = np.arctan2(a[:, 2, 1], a[:, 2, 0])
    sin_psi = np.cos(rot) * a[:, 0, 1] - np.sin(rot) * a[:, 0, 0]
    cos_psi = np.cos(rot) * a[:, 1, 1] - np.sin(rot) * a[:, 1, 0]
    return np.rad2deg(np.stack([rot, tilt, np.arctan2(sin_psi, cos_psi)], axis=1))


def relion_matrices(angles_deg: np.ndarray) -> np.ndarray:
    """Return RELION's matrices, (n, 3, 3) float64, for rot, tilt, psi (n, 3) in degrees: inverts ``relion_angles``."""
    rot, tilt, psi = np.deg2rad(np.asarray(angles_deg, np.float64)).T
    return _frame_about_z(psi) @ _frame_about_y(tilt) @ _frame_about_z(rot)


def _frame_about_z(angle: np.ndarray) -> np.ndarray:
    cos, sin, zero, one = np.cos(angle), np.sin(angle), np.zeros_like(angle), np.ones_like(angle)
    return np.stack([cos, sin, zero, -sin, cos, zero, zero, zero, one], axis=-1).reshape(-1, 3, 3)


def _frame_about_y(angle: np.ndarray) -> np.ndarray:
    cos, sin, zero, one = np.cos(angle), np.sin(angle), np.zeros_like(angle), np.ones_like(angle)
    return np.stack([cos, zero, -sin, zero, one, zero, sin, zero, cos], axis=-1).reshape(-1, 3, 3)
