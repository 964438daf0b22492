"""Agreement of clusterings against closed forms and scikit-learn, at the size of a real data set."""

from math import comb, log

import numpy as np
import pytest

from cryosense.biology.agreement import agreement, class_recovery, cluster_scores, coordinate_recovery
from cryosense.biology.clustering import GaussianMixture
from cryosense.biology.neighbours import nearest_neighbours
from tests.biology.mixtures import COMPONENTS, mixture, relabelled

metrics = pytest.importorskip("sklearn.metrics")
COUNT = 26_000
SIZE = COUNT // COMPONENTS


@pytest.fixture(scope="module", params=[0, 650, 1300, 2600], ids=lambda moved: f"{moved / SIZE:.0%}")
def runs(request: pytest.FixtureRequest) -> tuple[int, np.ndarray, np.ndarray]:
    """Clusters found in the latents of two runs, between which so many of each class have moved to the next."""
    labels = relabelled(COUNT, request.param)
    clustering = GaussianMixture(components=4, covariance="full", starts=1, seed=0)
    first, second = (clustering(mixture(each, seed), seed) for seed, each in enumerate(labels))
    assert metrics.adjusted_rand_score(first, labels[0]) == metrics.adjusted_rand_score(second, labels[1]) == 1.0
    return request.param, first, second


def test_scores_are_the_closed_forms(runs: tuple[int, np.ndarray, np.ndarray]) -> None:
    moved, first, second = runs
    matching, ari, nmi = cluster_scores(first, second)
    share = moved / SIZE
    assert matching.agreement == 1 - share
    np.testing.assert_array_equal(matching.agreement_per_cluster, [1 - share] * COMPONENTS)
    pairs = COMPONENTS * (comb(SIZE - moved, 2) + comb(moved, 2))
    expected = (COMPONENTS * comb(SIZE, 2)) ** 2 / comb(COUNT, 2)
    assert ari == pytest.approx((pairs - expected) / (COMPONENTS * comb(SIZE, 2) - expected), abs=1e-12)
    entropy = -sum(p * log(p) for p in (share, 1 - share) if p)
    assert nmi == pytest.approx(1 - entropy / log(COMPONENTS), abs=1e-12)
    assert ari == metrics.adjusted_rand_score(first, second)
    assert nmi == metrics.normalized_mutual_info_score(first, second)


def test_names_of_clusters_mean_nothing(runs: tuple[int, np.ndarray, np.ndarray]) -> None:
    _, first, second = runs
    matching, ari, nmi = cluster_scores(first, second)
    renamed = np.array([2, 0, 3, 1])
    again, ari_again, nmi_again = cluster_scores(first, renamed[second])
    assert (again.agreement, ari_again) == (matching.agreement, ari)
    assert nmi_again == pytest.approx(nmi, abs=1e-12)  # sums in another order
    np.testing.assert_array_equal(again.partner, renamed[matching.partner])
    np.testing.assert_array_equal(again.counts[:, again.order], matching.counts[:, matching.order])


def test_shuffled_particles_agree_by_chance() -> None:
    first, _ = relabelled(COUNT, 0)
    second = np.random.default_rng(0).permutation(first)
    matching, ari, nmi = cluster_scores(first, second)
    # Each cell is 1/16 with a deviation of sqrt(15) / 16 / sqrt(n) = 0.0015; the best of 24 sums of four such cells.
    assert 0.25 <= matching.agreement < 0.25 + 4 * 4 * 0.0015
    assert abs(ari) < 1e-3
    assert nmi < 1e-3


def test_transfer_asks_the_second_space_and_not_its_clusters() -> None:
    first, second = relabelled(400, 10)
    spaces = [mixture(labels, seed) for seed, labels in enumerate((first, second))]
    neighbours = [nearest_neighbours(space, 9) for space in spaces]
    nonsense = np.arange(400) % 3
    scores, _ = agreement(first, nonsense, *neighbours)
    # The 40 that have moved lie among the other class, 10 in 100: the nine neighbours never have a majority of them.
    assert scores.label_transfer == 0.9
    assert scores.agreement < 0.4
    assert agreement(first, first, neighbours[0], neighbours[0])[0] == (1, 1, pytest.approx(1), 1, 1)
    recovered = class_recovery(first, first, neighbours[1])
    assert recovered == (1, 1, pytest.approx(1), 0.9)


def test_a_coordinate_is_read_off_neighbours() -> None:
    rng = np.random.default_rng(0)
    coordinate = rng.uniform(0, 1, 2000)
    curve = np.stack([np.cos(3 * coordinate), np.sin(3 * coordinate)], axis=1)
    rank, r2 = coordinate_recovery(coordinate, nearest_neighbours(curve, 15))
    # Fifteen neighbours span 0.0075 of the curve.
    assert rank > 0.9999
    assert r2 > 0.9999
    rank, r2 = coordinate_recovery(coordinate, nearest_neighbours(rng.standard_normal((2000, 2)), 15))
    # By chance the mean of fifteen values: correlation 0 +- 1 / sqrt(2000), r2 = -1 / 15.
    assert abs(rank) < 5 / 2000**0.5
    assert r2 == pytest.approx(-1 / 15, abs=0.05)
