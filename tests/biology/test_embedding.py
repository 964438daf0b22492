"""Embeddings and clusters that can be repeated, on another seed where that is asked for."""

import sys

import numpy as np
import pytest

from cryosense.biology.clustering import GaussianMixture
from cryosense.biology.embedding import PrincipalComponents, Umap, Unembedded
from cryosense.biology.extras import MissingExtraError
from tests.biology.mixtures import mixture


def test_umap_keeps_groups_apart_and_repeats() -> None:
    pytest.importorskip("umap")
    labels = np.arange(200) % 4
    umap = Umap(neighbours=15, min_dist=0.1, seed=42)
    latents = mixture(labels, 0)
    points = umap(latents, 0)
    assert points.shape == (200, 2)
    np.testing.assert_array_equal(points, umap(latents, 0))
    assert not np.array_equal(points, umap(latents, 1))
    nearest = np.linalg.norm(points[:, None] - points + np.diag(np.full(200, np.inf))[..., None], axis=-1).argmin(1)
    np.testing.assert_array_equal(labels[nearest], labels)
    with pytest.raises(ValueError, match=r"neighbours=15 of 15 particles"):
        umap(latents[:15], 0)


def test_principal_components_are_those_of_a_known_covariance() -> None:
    rng = np.random.default_rng(0)
    points = rng.standard_normal((5000, 3)) * [1.0, 5.0, 2.0] + 100
    found = PrincipalComponents(components=2)(points, 0)
    np.testing.assert_allclose(found.std(0), [5, 2], rtol=0.05)
    assert np.corrcoef(found[:, 0], points[:, 1])[0, 1] > 0.999
    assert Unembedded()(points, 0) is points
    assert PrincipalComponents(components=5)(points, 0).shape == (5000, 3)


def test_too_few_particles_for_so_many_clusters() -> None:
    with pytest.raises(ValueError, match=r"components=4 of 3 particles"):
        GaussianMixture(components=4, covariance="full", starts=1, seed=0)(np.zeros((3, 2)), 0)


def test_a_missing_library_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(MissingExtraError, match=r"umap.*pip install 'cryosense\[latents\]'"):
        Umap(neighbours=5, min_dist=0.1, seed=0)(np.random.default_rng(0).standard_normal((9, 2)), 0)
