"""Draws are a function of their keys: not of what is drawn with them, nor of threads."""

import numpy as np
import pytest

from cryosense import seeding


@pytest.mark.parametrize("threads", [1, 3])
def test_normals_of_many_are_those_of_each(threads: int) -> None:
    keys = [(5, 17), (9, 17), (1, 2**21), (4, 17), (1, 17), (8, 16), (2, 17)]
    expected = [seeding.generator(3, *key).standard_normal((1, 8, 8), np.float32) for key in keys]
    assert np.array_equal(seeding.standard_normals(3, keys, (1, 8, 8), threads), np.stack(expected))
