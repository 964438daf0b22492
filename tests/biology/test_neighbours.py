"""Neighbours: against brute force, and what chance gives."""

import numpy as np
import pytest

from cryosense.biology.neighbours import nearest_neighbours, neighbour_overlap, transferred_classes

pytest.importorskip("sklearn")


@pytest.mark.parametrize("dimensions", [3, 15, 16])
def test_neighbours_are_the_nearest_others(dimensions: int) -> None:
    points = np.random.default_rng(0).standard_normal((200, dimensions))
    points[7] = points[3]  # the same place: each is the other's neighbour, and no particle its own
    distances = np.linalg.norm(points[:, None] - points, axis=-1) + np.diag(np.full(200, np.inf))
    found = nearest_neighbours(points, 5)
    np.testing.assert_allclose(np.take_along_axis(distances, found, axis=1), np.sort(distances)[:, :5], rtol=1e-12)
    assert (found[3, 0], found[7, 0]) == (7, 3)
    with pytest.raises(ValueError, match="neighbours=200 of 200 particles: give 1 to 199"):
        nearest_neighbours(points, 200)


def test_no_particle_is_its_own_neighbour_among_many_at_one_place() -> None:
    found = nearest_neighbours(np.repeat(np.eye(3), 30, axis=0), 5)
    assert (found != np.arange(90)[:, None]).all()
    assert (found // 30 == np.arange(90)[:, None] // 30).all()
    assert all(len(set(row)) == 5 for row in found.tolist())


def test_overlap_of_equal_turned_and_unrelated_spaces() -> None:
    rng = np.random.default_rng(0)
    points = rng.standard_normal((1000, 3))
    turned = points @ np.linalg.qr(rng.standard_normal((3, 3)))[0] * 7 + 1
    first, same, other = (nearest_neighbours(each, 10) for each in (points, turned, rng.standard_normal((1000, 3))))
    assert neighbour_overlap(first, same) == 1
    # 10,000 draws of probability 10 / 999.
    assert neighbour_overlap(first, other) == pytest.approx(10 / 999, abs=5 * (0.01 / 10_000) ** 0.5)


def test_majority_and_ties() -> None:
    neighbours = np.array([[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]])
    assert transferred_classes(np.array([0, 1, 1, 2]), neighbours).tolist() == [1, 0, 0, 1]
