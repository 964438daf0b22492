"""Latents in a few dimensions, in which they are clustered and drawn."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import numpy as np

from cryosense.errors import ArgumentError
from cryosense.shown import ShowsParameters

from .extras import latents_module


class Embedding(ShowsParameters, ABC):
    """A map from latents (n, d) to points (n, e)."""

    @abstractmethod
    def check(self, count: int) -> None:
        """Raise ArgumentError for too few particles, MissingExtraError for a missing library."""

    @abstractmethod
    def __call__(self, latents: np.ndarray, refit: int) -> np.ndarray:
        """Return points (n, e); random parts are drawn anew for each number ``refit`` and are the same for the same number."""


@final
@dataclass(frozen=True)
class Umap(Embedding):
    """Uniform manifold approximation and projection (McInnes, Healy and Melville 2018) to two dimensions, by umap-learn.

    ``seed`` makes it repeatable, on one thread.
    """

    neighbours: int = 15
    min_dist: float = 0.1
    seed: int = 42

    def check(self, count: int) -> None:
        """Raise ArgumentError unless there are more particles than neighbours, MissingExtraError without umap-learn."""
        if count <= self.neighbours:
            raise ArgumentError(f"neighbours={self.neighbours} of {count} particles: give fewer")
        latents_module("umap")

    def __call__(self, latents: np.ndarray, refit: int) -> np.ndarray:
        """Return points (n, 2). Raises what ``check`` raises."""
        self.check(len(latents))
        mapper = latents_module("umap").UMAP(
            n_neighbors=self.neighbours, min_dist=self.min_dist, n_components=2, random_state=self.seed + refit, n_jobs=1
        )
        return np.asarray(mapper.fit_transform(latents.astype(np.float32)), dtype=np.float64)


@final
@dataclass(frozen=True)
class PrincipalComponents(Embedding):
    """The directions of largest variance, each with the sign that makes its largest weight positive."""

    components: int = 2

    def check(self, count: int) -> None:
        """Raise ArgumentError for fewer than one component."""
        if self.components < 1:
            raise ArgumentError(f"components={self.components}: give at least 1")

    def __call__(self, latents: np.ndarray, refit: int) -> np.ndarray:
        """Return points (n, components), or (n, d) if d is smaller; nothing is random."""
        return principal_components(latents, self.components)


@final
@dataclass(frozen=True)
class Unembedded(Embedding):
    """The latents themselves."""

    def check(self, count: int) -> None:
        """Accept any number of particles."""

    def __call__(self, latents: np.ndarray, refit: int) -> np.ndarray:
        """Return the latents, (n, d)."""
        return latents


def principal_components(points: np.ndarray, components: int) -> np.ndarray:
    """Return centred points along the directions of largest variance, largest first, (n, min(components, d))."""
    centred = points - points.mean(0)
    directions = np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :components]
    largest = directions[np.abs(directions).argmax(0), np.arange(directions.shape[1])]
    return np.asarray(centred @ (directions * np.sign(largest)))
