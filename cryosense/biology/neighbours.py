"""What a particle's nearest neighbours in latent space say, without clusters, embedding or scale."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from cryosense.errors import ArgumentError

from .extras import latents_module

CHUNK = 16384
TREE_DIMENSIONS = 15  # in more, a tree looks at nearly all particles, and comparing all is faster


def check_neighbours(count: int, particles: int) -> None:
    """Raise ArgumentError unless a particle has that many others."""
    if not 1 <= count < particles:
        raise ArgumentError(f"neighbours={count} of {particles} particles: give 1 to {particles - 1}")


def nearest_neighbours(latents: np.ndarray, count: int) -> np.ndarray:
    """Return the nearest other particles of each of latents (n, d), (n, count) int64, by Euclidean distance, nearest first.

    Raises:
        ArgumentError: fewer other particles than that.
    """
    check_neighbours(count, len(latents))
    if latents.shape[1] > TREE_DIMENSIONS:
        index = latents_module("sklearn.neighbors").NearestNeighbors(n_neighbors=count, algorithm="brute").fit(latents)
        return np.asarray(index.kneighbors(return_distance=False), dtype=np.int64)
    found = np.asarray(cKDTree(latents).query(latents, count + 1)[1], dtype=np.int64)
    # Among others at the same place a particle need not be the first, nor be found at all.
    itself = found == np.arange(len(latents))[:, None]
    itself[~itself.any(1), -1] = True
    return found[~itself].reshape(len(latents), count)


def neighbour_overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Return the mean share of neighbours (n, k), (n, k) of the same particles that are the same; k / (n - 1) by chance."""
    shared = 0
    for start in range(0, len(first), CHUNK):
        rows = slice(start, start + CHUNK)
        shared += int((first[rows, :, None] == second[rows, None, :]).sum())
    return shared / first.size


def transferred_classes(classes: np.ndarray, neighbours: np.ndarray) -> np.ndarray:
    """Return the most frequent class among each particle's neighbours, (n,), for int classes (n,) 0, 1, ....

    Ties go to the first class. A particle's own class does not count.
    """
    votes = np.zeros((len(classes), int(classes.max()) + 1), dtype=np.int64)
    np.add.at(votes, (np.arange(len(classes))[:, None], classes[neighbours]), 1)
    return votes.argmax(1)


def transferred_coordinate(coordinate: np.ndarray, neighbours: np.ndarray) -> np.ndarray:
    """Return the mean of a coordinate (n,) over each particle's neighbours (n, k), without its own value."""
    return np.asarray(coordinate[neighbours].mean(1))
