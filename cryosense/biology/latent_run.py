"""Latents of one run of the same particles, as they are compared and drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LatentRun:
    """A run of n particles: points (n, e) of the embedding, clusters (n,), and neighbours (n, k) in latent space."""

    name: str
    points: np.ndarray
    clusters: np.ndarray
    neighbours: np.ndarray

    def shuffled(self, order: np.ndarray) -> LatentRun:
        """Return the run in which particle i has the latents of particle ``order[i]``, for an (n,) permutation."""
        place = np.argsort(order)
        return LatentRun(self.name, self.points[order], self.clusters[order], place[self.neighbours[order]])
