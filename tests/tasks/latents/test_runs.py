"""Runs of latents: a shuffled one is the one that shuffled latents give."""

from pathlib import Path

import numpy as np
import pytest

from cryosense.biology.clustering import GaussianMixture
from cryosense.biology.embedding import PrincipalComponents
from cryosense.data import ParticleDataError
from cryosense.tasks.latents.runs import LatentAnalysis, read_all
from tests.biology.mixtures import mixture

pytest.importorskip("sklearn")


def test_shuffling_a_run_is_analysing_shuffled_latents() -> None:
    latents = mixture(np.arange(120) % 4, 0)
    order = np.random.default_rng(0).permutation(120)
    analysis = LatentAnalysis(PrincipalComponents(components=2), GaussianMixture(4, "full", starts=2, seed=0), neighbours=5)
    shuffled, again = analysis.analyse("a", latents).shuffled(order), analysis.analyse("a", latents[order])
    np.testing.assert_array_equal(shuffled.neighbours, again.neighbours)
    np.testing.assert_allclose(shuffled.points, again.points, atol=1e-9)
    same = shuffled.clusters[:, None] == shuffled.clusters
    np.testing.assert_array_equal(same, again.clusters[:, None] == again.clusters)


def test_counts_are_compared_with_the_first_and_with_what_is_known(tmp_path: Path) -> None:
    for name, count in (("a", 5), ("b", 6)):
        np.save(tmp_path / f"{name}.npy", np.arange(count, dtype=float))
    a, b = (str(tmp_path / f"{name}.npy") for name in "ab")
    with pytest.raises(ParticleDataError, match=r"b\.npy: 6 particles, but 5 in .*a\.npy"):
        read_all([a, b], None, "")
    with pytest.raises(ParticleDataError, match=r"labels\.csv: 6 particles, but 5 in"):
        read_all([a], np.arange(6), "labels.csv")
