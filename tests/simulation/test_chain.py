"""The folded chain: bonded, confined, free of clashes."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform

from cryosense.simulation import chain


def test_chain_has_protein_geometry_and_stays_inside() -> None:
    region = chain.Ellipsoid(centre=np.array([5.0, 0.0, 0.0]), semi_axes=np.array([25.0, 20.0, 20.0]))
    start = np.array([[5.0, 0.0, 0.0]])
    folded = chain.fold(np.random.default_rng(1), start, region, 150)
    path = np.concatenate([start, folded])
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    assert folded.shape == (150, 3)
    np.testing.assert_allclose(steps, 3.8, atol=0.05)
    assert region.contains(folded).all()
    apart = np.abs(np.subtract.outer(np.arange(151), np.arange(151)))
    assert squareform(pdist(path))[apart > 3].min() >= chain.CLASH_ANGSTROM


def test_a_region_that_is_too_small_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "MAX_TRIALS", 200)
    region = chain.Ellipsoid(centre=np.zeros(3), semi_axes=np.full(3, 8.0))
    with pytest.raises(RuntimeError, match="do not fit"):
        chain.fold(np.random.default_rng(0), np.zeros((1, 3)), region, 400)
