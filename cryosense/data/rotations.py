"""Rotation matrices to RELION's Euler angles, for the metadata of other programs."""

from __future__ import annotations

import numpy as np


def relion_angles(matrices: np.ndarray) -> np.ndarray:
    """(n, 3, 3) -> (n, 3): ``rlnAngleRot``, ``rlnAngleTilt``, ``rlnAnglePsi`` in degrees, tilt in [0, 180].

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
