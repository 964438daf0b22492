"""The assignment of clusters: optimal where the greedy one is not, and for different numbers of clusters."""

import numpy as np
import pytest

from cryosense.biology.matching import match_clusters


def labels(counts: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Label lists with these counts."""
    table = np.array(counts)
    first, second = np.indices(table.shape)
    return np.repeat(first.ravel(), table.ravel()), np.repeat(second.ravel(), table.ravel())


def test_the_best_pairs_are_not_the_largest_first() -> None:
    matching = match_clusters(*labels([[10, 9], [9, 0]]))
    assert matching.partner.tolist() == [1, 0]
    assert matching.agreement == 18 / 28
    assert matching.agreement_per_cluster.tolist() == [9 / 19, 1.0]


def test_more_clusters_on_either_side_than_on_the_other() -> None:
    fewer = match_clusters(*labels([[5, 1], [1, 5], [2, 0]]))
    assert fewer.partner.tolist() == [0, 1, -1]
    assert fewer.agreement == 10 / 14
    assert fewer.agreement_per_cluster.tolist() == [5 / 6, 5 / 6, 0]
    more = match_clusters(*labels([[5, 0, 9]]))
    assert more.partner.tolist() == [2]
    assert more.order.tolist() == [2, 0, 1]


def test_an_empty_cluster_has_no_share() -> None:
    matching = match_clusters(np.array([0, 2]), np.array([0, 1]))
    assert np.isnan(matching.agreement_per_cluster[1])
    assert matching.agreement == 1


def test_labels_of_other_particles() -> None:
    with pytest.raises(ValueError, match=r"shape \(3,\) and \(4,\) are not of the same particles"):
        match_clusters(np.zeros(3, int), np.zeros(4, int))
    with pytest.raises(ValueError, match="negative"):
        match_clusters(np.array([-1, 0]), np.array([0, 1]))
