"""Images that cannot be particles are named by their index."""

import numpy as np
import pytest

from cryosense.data import ParticleStack, find_bad_particles


@pytest.mark.parametrize("chunk_size", [1, 3, 100])
def test_bad_images_are_found_in_every_chunk(tmp_path, noise, chunk_size) -> None:
    images = noise(0, 7, 8, 8)
    images[1, 2, 3] = np.nan
    images[4] = 2.5
    images[5, 0, 0] = -np.inf
    images[6] = np.nan
    np.save(tmp_path / "a.npy", images)
    found = find_bad_particles(ParticleStack.open(tmp_path / "a.npy"), chunk_size)
    assert found == {1: "not finite", 4: "constant", 5: "not finite", 6: "not finite"}
    good = ParticleStack.open(tmp_path / "a.npy").select([i for i in range(7) if i not in found])
    assert find_bad_particles(good, chunk_size) == {}
