"""Latents of two runs of the same particles, of known relation."""

import numpy as np

COMPONENTS, DIMENSIONS = 4, 8


def mixture(labels: np.ndarray, seed: int, separation: float = 20.0) -> np.ndarray:
    """(n,) -> (n, 8): a Gaussian of deviation 1 about a corner for each label, ``separation`` apart along each axis."""
    points = np.random.default_rng(seed).standard_normal((len(labels), DIMENSIONS))
    points[np.arange(len(labels)), labels] += separation
    return points


def relabelled(count: int, moved: int) -> tuple[np.ndarray, np.ndarray]:
    """-> (count,), (count,): equal classes 0 ... 3 in turn, and the same with ``moved`` of each class in the next one."""
    first = np.arange(count) % COMPONENTS
    second = first.copy()
    second[: moved * COMPONENTS] = (second[: moved * COMPONENTS] + 1) % COMPONENTS
    return first, second
