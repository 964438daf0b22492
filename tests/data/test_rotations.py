"""Euler angles against RELION's own matrix, written out."""

import numpy as np

from cryosense.data.rotations import relion_angles, relion_matrices


def test_random_angles_come_back(relion_matrix) -> None:
    angles = np.random.default_rng(0).uniform([-180, 1, -180], [180, 179, 180], (100, 3))
    matrices = np.stack([relion_matrix(*each) for each in angles])
    np.testing.assert_allclose(relion_angles(matrices), angles, atol=1e-9)
    np.testing.assert_allclose(relion_matrices(angles), matrices, atol=1e-15)


def test_rotation_is_right_where_the_angles_are_not_unique(relion_matrix) -> None:
    for tilt in (0.0, 1e-9, 1e-5, 180.0 - 1e-5, 180.0):
        matrix = relion_matrix(25.0, tilt, -70.0)
        # float32, as other programs store it: rot is then noise, but the rotation must not be.
        again = relion_matrix(*relion_angles(matrix[None].astype(np.float32))[0])
        np.testing.assert_allclose(again, matrix, atol=5e-7)
