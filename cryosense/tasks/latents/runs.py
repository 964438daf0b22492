"""Latents of one run, embedded, clustered, and with their neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cryosense.biology.clustering import GaussianMixture
from cryosense.biology.embedding import Embedding
from cryosense.biology.latent_run import LatentRun
from cryosense.biology.neighbours import check_neighbours, nearest_neighbours
from cryosense.data.latents import read_latents
from cryosense.errors import ParticleDataError


@dataclass(frozen=True)
class LatentAnalysis:
    """How latents are made into a run; ``neighbours`` are counted in latent space, whatever the embedding."""

    embedding: Embedding
    clustering: GaussianMixture
    neighbours: int

    def check(self, count: int) -> None:
        """Raise ArgumentError for too few particles, MissingExtraError for a missing library."""
        check_neighbours(self.neighbours, count)
        self.embedding.check(count)
        self.clustering.check(count)

    def analyse(self, name: str, latents: np.ndarray) -> LatentRun:
        """Return the run with these latents, (n, d)."""
        neighbours = nearest_neighbours(latents, self.neighbours)
        points = self.embedding(latents, 0)
        return LatentRun(name, points, self.clustering(points, 0), neighbours)

    def refitted(self, run: LatentRun, latents: np.ndarray, refit: int) -> LatentRun:
        """Return the same latents, embedded and clustered with other random numbers."""
        points = self.embedding(latents, refit)
        return LatentRun(run.name, points, self.clustering(points, refit), run.neighbours)


def read_all(paths: Sequence[str], known: np.ndarray | None, known_path: str) -> dict[str, np.ndarray]:
    """Return latents (n, d) by path. Raises ParticleDataError for different numbers of particles, or a file named twice."""
    if len(set(paths)) < len(paths):
        raise ParticleDataError(f"{next(path for path in paths if paths.count(path) > 1)}: is named twice")
    found = {path: read_latents(Path(path)) for path in paths}
    counts = {path: len(latents) for path, latents in found.items()}
    if known is not None:
        counts[known_path] = len(known)
    wanted = counts[paths[0]]
    for path, count in counts.items():
        if count != wanted:
            raise ParticleDataError(
                f"{path}: {count} particles, but {wanted} in {paths[0]}: give files of the same particles in the same order"
            )
    return found
