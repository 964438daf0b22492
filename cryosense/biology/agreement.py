"""How far two clusterings, or two latent spaces, of the same particles agree."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.stats import spearmanr

from .extras import latents_module
from .matching import Matching, match_clusters
from .neighbours import neighbour_overlap, transferred_classes, transferred_coordinate


class Agreement(NamedTuple):
    """Scores of two runs of the same particles, 1 where they are the same.

    Attributes:
        agreement: share of the particles in matched clusters.
        ari: adjusted Rand index (Hubert and Arabie 1985), 0 by chance.
        nmi: mutual information over the mean of both entropies.
        neighbour_overlap: share of nearest neighbours that are the same.
        label_transfer: share of the particles whose cluster in the first run is the one most common in the first run among
            their neighbours in the second: whether the second space keeps the clusters apart, however it is cut itself.
    """

    agreement: float
    ari: float
    nmi: float
    neighbour_overlap: float
    label_transfer: float


def cluster_scores(first: np.ndarray, second: np.ndarray) -> tuple[Matching, float, float]:
    """Return the matching of clusters, adjusted Rand index and normalised mutual information of labels (n,), (n,)."""
    scores = latents_module("sklearn.metrics")
    ari, nmi = scores.adjusted_rand_score(first, second), scores.normalized_mutual_info_score(first, second)
    return match_clusters(first, second), float(ari), float(nmi)


def agreement(
    first: np.ndarray, second: np.ndarray, first_neighbours: np.ndarray, second_neighbours: np.ndarray
) -> tuple[Agreement, Matching]:
    """Return scores and the matching of two runs, from clusters (n,) and neighbours (n, k) of the same particles."""
    matching, ari, nmi = cluster_scores(first, second)
    overlap = neighbour_overlap(first_neighbours, second_neighbours)
    transfer = float((transferred_classes(first, second_neighbours) == first).mean())
    return Agreement(matching.agreement, ari, nmi, overlap, transfer), matching


class ClassRecovery(NamedTuple):
    """Known classes against a run: its clusters (matched share, ARI, NMI), and label transfer between its neighbours."""

    agreement: float
    ari: float
    nmi: float
    label_transfer: float


def class_recovery(classes: np.ndarray, clusters: np.ndarray, neighbours: np.ndarray) -> ClassRecovery:
    """Return how far a run's clusters (n,) and neighbours (n, k) recover known classes (n,) 0, 1, ...."""
    matching, ari, nmi = cluster_scores(classes, clusters)
    transfer = float((transferred_classes(classes, neighbours) == classes).mean())
    return ClassRecovery(matching.agreement, ari, nmi, transfer)


class CoordinateRecovery(NamedTuple):
    """A known coordinate against the mean over neighbours: Spearman's rank correlation, and the variance explained."""

    spearman: float
    r2: float


def coordinate_recovery(coordinate: np.ndarray, neighbours: np.ndarray) -> CoordinateRecovery:
    """Return how far known values (n,), not all the same, can be read off the neighbours (n, k).

    r2 is 0 for a guess of the mean and may be negative.
    """
    guess = transferred_coordinate(coordinate, neighbours)
    rank = float(spearmanr(guess, coordinate).statistic)
    return CoordinateRecovery(rank, float(1 - ((guess - coordinate) ** 2).mean() / coordinate.var()))
