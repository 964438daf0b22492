"""Which cluster of one run is which of another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from cryosense.errors import ArgumentError


@dataclass(frozen=True)
class Matching:
    """Clusters of two runs, matched one to one so that as many particles as possible lie in matched clusters.

    Attributes:
        counts: (a, b) particles in each pair of clusters.
        partner: (a,) the cluster of the second run that is matched to each of the first, -1 where it has fewer clusters.
    """

    counts: np.ndarray
    partner: np.ndarray

    @property
    def agreement(self) -> float:
        """Share of all particles that lie in matched clusters."""
        return float(self._matched().sum() / self.counts.sum())

    @property
    def agreement_per_cluster(self) -> np.ndarray:
        """Share of each cluster's particles that lie in its partner, (a,); NaN for a cluster without particles."""
        sizes = self.counts.sum(1)
        return np.divide(self._matched(), sizes, out=np.full(len(sizes), np.nan), where=sizes > 0)

    @property
    def order(self) -> np.ndarray:
        """The second run's clusters (b,): partners in the order of the first run's, then those without one."""
        partners = self.partner[self.partner >= 0]
        return np.concatenate([partners, np.setdiff1d(np.arange(self.counts.shape[1]), partners)])

    def _matched(self) -> np.ndarray:
        taken = self.counts[np.arange(len(self.partner)), np.maximum(self.partner, 0)]
        return np.where(self.partner >= 0, taken, 0)


def match_clusters(first: np.ndarray, second: np.ndarray) -> Matching:
    """Return the optimal assignment of clusters (Kuhn 1955) for labels (n,), (n,) 0, 1, ... of the same particles.

    Raises:
        ArgumentError: labels of different lengths, none, or negative ones.
    """
    if first.shape != second.shape or first.ndim != 1 or not len(first):
        raise ArgumentError(f"labels of shape {first.shape} and {second.shape} are not of the same particles")
    if min(first.min(), second.min()) < 0:
        raise ArgumentError("cluster labels are counted from 0; none may be negative")
    shape = int(first.max()) + 1, int(second.max()) + 1
    counts = np.bincount(first * shape[1] + second, minlength=shape[0] * shape[1]).reshape(shape)
    rows, columns = linear_sum_assignment(counts, maximize=True)
    partner = np.full(shape[0], -1)
    partner[rows] = columns
    return Matching(counts, partner)
