"""Particles in clusters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cryosense.errors import ArgumentError

from .extras import latents_module


@dataclass(frozen=True)
class GaussianMixture:
    """A mixture of ``components`` Gaussians, the best of ``starts`` fits by expectation maximisation, by scikit-learn.

    ``covariance`` is ``full``, ``tied``, ``diag`` or ``spherical``.
    """

    components: int = 4
    covariance: str = "full"
    starts: int = 5
    seed: int = 42

    def check(self, count: int) -> None:
        """Raise ArgumentError for fewer particles than components, MissingExtraError without scikit-learn."""
        if not 1 <= self.components <= count:
            raise ArgumentError(f"components={self.components} of {count} particles: give 1 to {count}")
        latents_module("sklearn.mixture")

    def __call__(self, points: np.ndarray, refit: int) -> np.ndarray:
        """Return the most probable component, 0 to components - 1, of each point (n, e), as (n,) int64.

        Starts are drawn anew for each number ``refit``. Raises what ``check`` raises.
        """
        self.check(len(points))
        mixture = latents_module("sklearn.mixture").GaussianMixture(
            self.components, covariance_type=self.covariance, n_init=self.starts, random_state=self.seed + refit
        )
        return np.asarray(mixture.fit_predict(points), dtype=np.int64)
