"""Two embeddings in one colouring, and which cluster became which."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba_array
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cryosense.biology.embedding import principal_components
from cryosense.biology.latent_run import LatentRun
from cryosense.biology.matching import Matching
from cryosense.reporting.style import COLOURS as SIX
from cryosense.seeding import generator

DOTS_PER_INCH = 110
MOST_POINTS = 20_000
# Ten that colour-blind readers tell apart: those of other figures, then four more.
COLOURS = to_rgba_array([*SIX, "#000000", "#F0E442", "#999999", "#882255"])
TITLE_LENGTH = 48


def draw_comparison(first: LatentRun, others: Sequence[LatentRun], matchings: dict[str, Matching]) -> Figure:
    """Return a figure with a row for each other run: the first run's embedding, the other's, counts of both clusterings.

    Points have the colours of the *first* run's clusters in both: where colours mix in the second, clusters do.
    """
    figure = Figure(figsize=(14.0, 4.6 * len(others)), dpi=DOTS_PER_INCH, layout="constrained")
    rows = figure.subplots(len(others), 3, squeeze=False)
    shown = drawn_particles(len(first.clusters))
    for (left, middle, right), other in zip(rows, others, strict=True):
        _scatter(left, first, first.clusters, shown)
        _scatter(middle, other, first.clusters, shown)
        _confusion(right, matchings[other.name])
    names = range(int(first.clusters.max()) + 1)
    handles = [Line2D([], [], marker="o", linestyle="", color=COLOURS[name % len(COLOURS)], label=str(name)) for name in names]
    rows[0, 0].legend(handles=handles, fontsize=8, title="cluster of the first run", title_fontsize=8)
    return figure


def drawn_particles(count: int) -> np.ndarray:
    """Return at most MOST_POINTS particles in random order: stacks have periods, and no cluster should cover the others."""
    return generator(0).permutation(count)[:MOST_POINTS]


def plane(points: np.ndarray) -> np.ndarray:
    """Return points (n, 2): two principal components of more dimensions; one dimension against the particle's number."""
    if points.shape[1] == 1:
        return np.column_stack([points, np.arange(len(points))])
    return points if points.shape[1] == 2 else principal_components(points, 2)


def _scatter(axes: Axes, run: LatentRun, clusters: np.ndarray, shown: np.ndarray) -> None:
    x, y = plane(run.points)[shown].T
    size = float(np.clip(8000 / len(shown), 0.6, 12))
    axes.scatter(x, y, s=size, color=COLOURS[clusters[shown] % len(COLOURS)], linewidths=0, alpha=0.6)
    axes.set_title(_shortened(run.name), fontsize=9)
    axes.set(xticks=[], yticks=[], **dict(zip(("xlabel", "ylabel"), _directions(run.points.shape[1]), strict=True)))


def _directions(dimensions: int) -> tuple[str, str]:
    """Return what ``plane`` puts along x and y."""
    if dimensions == 1:
        return "latent coordinate", "particle"
    kind = "principal component" if dimensions > 2 else "coordinate of the embedding"
    return f"first {kind}", f"second {kind}"


def _confusion(axes: Axes, matching: Matching) -> None:
    """Draw the share of each of the first run's clusters in each of the other's, partners on the diagonal, with counts."""
    counts = matching.counts[:, matching.order]
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        colour = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, f"{count}", ha="center", va="center", fontsize=8, color=colour)
    axes.set_xticks(range(counts.shape[1]), [str(cluster) for cluster in matching.order])
    axes.set_yticks(range(counts.shape[0]))
    axes.set(xlabel="cluster of the other run", ylabel="cluster of the first run")
    axes.set_title(f"particles; {matching.agreement:.1%} in matched clusters", fontsize=9)


def _shortened(name: str) -> str:
    return name if len(name) <= TITLE_LENGTH else "…" + name[-TITLE_LENGTH + 1 :]
