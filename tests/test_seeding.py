"""Draws are a function of their keys: not of what is drawn with them, nor of threads."""

import numpy as np
import pytest

from cryosense import seeding


@pytest.mark.parametrize("threads", [1, 3])
def test_normals_of_many_are_those_of_each(threads: int) -> None:
    indices = [5, 9, 1, 4, 7, 8, 2]
    expected = [seeding.generator(3, index, 17).standard_normal((1, 8, 8), np.float32) for index in indices]
    assert np.array_equal(seeding.standard_normals(3, indices, 17, (1, 8, 8), threads), np.stack(expected))
