"""Whether the same conformations are found: latents of runs of the same particles, against what is possible and chance."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cryosense.biology.agreement import agreement
from cryosense.biology.latent_run import LatentRun
from cryosense.biology.matching import Matching, match_clusters
from cryosense.errors import ArgumentError
from cryosense.files.tables import write_csv
from cryosense.files.writing import write_text
from cryosense.runs.record import Kind
from cryosense.seeding import generator
from cryosense.tasks.latents.known import Known
from cryosense.tasks.latents.runs import LatentAnalysis, read_all
from cryosense.tasks.latents.tables import COMPARED, FLOOR, REFITTED, RESEEDED, comparison_markdown

Row = dict[str, object]
COMPARISON = Kind(
    results=("particles.csv", "comparison.md"), optional=("comparison.csv", "clusters.csv", "known.csv", "comparison.png")
)


@dataclass(frozen=True)
class Compared:
    """What was found: all runs, those the first was compared with, their clusters beside the first one's, and scores."""

    runs: Sequence[LatentRun]
    others: Sequence[LatentRun]
    matchings: dict[str, Matching]
    scores: pd.DataFrame
    recovery: pd.DataFrame

    def write(self, directory: Path) -> dict[str, object]:
        """Write the tables to a directory and return a summary.

        ``comparison.csv`` (a row per pair and repeat), ``clusters.csv``, ``known.csv``, ``particles.csv`` and
        ``comparison.md``.
        """
        rows = [row for name, matching in self.matchings.items() for row in cluster_rows(name, matching)]
        clusters = pd.DataFrame(rows)
        for name, table in (("comparison", self.scores), ("clusters", clusters), ("known", self.recovery)):
            if len(table):
                write_csv(directory / f"{name}.csv", table)
        write_csv(directory / "particles.csv", particle_table(self.runs))
        text = comparison_markdown(self.runs[0].name, self.scores, clusters, self.recovery)
        write_text(directory / "comparison.md", text)
        return {"particles": len(self.runs[0].clusters), "runs": len(self.runs)}


@dataclass(frozen=True)
class LatentComparison:
    """What is compared, and how.

    Attributes:
        latents: files of latents (``z.N.pkl``, ``.npy``); the others are compared with the first.
        reseeded: latents of the first one's particle images from other training seeds: the ceiling of all comparisons.
        known: known classes or a known coordinate, or None.
        analysis: how latents are embedded and clustered.
        refits: times that the first run is embedded and clustered with other random numbers: the ceiling of its clusters.
        shuffles: times that particles are shuffled for the floor, drawn by ``seed``.

    Raises:
        ArgumentError: nothing to compare, or a negative number of repeats.
    """

    latents: Sequence[str]
    reseeded: Sequence[str]
    known: Known | None
    analysis: LatentAnalysis
    refits: int
    shuffles: int
    seed: int

    def __post_init__(self) -> None:
        if len(self.latents) < (2 if self.known is None else 1):
            raise ArgumentError(f"latents={list(self.latents)}: name two files or more, or one and what is known")
        if self.refits < 0 or self.shuffles < 0:
            raise ArgumentError(f"refits={self.refits} and shuffles={self.shuffles} must not be negative")

    @property
    def embeddings(self) -> int:
        """Number of embeddings to make, a measure of the work."""
        return len(self.latents) + len(self.reseeded) + self.refits

    @property
    def files(self) -> list[str]:
        """All files that are read."""
        return [*self.latents, *self.reseeded, *([] if self.known is None else [self.known.path])]

    def make(self, progress: Callable[[int], object]) -> Compared:
        """Compare the runs. ``progress`` is called with the number of embeddings made since its last call.

        Raises:
            ArgumentError: input that cannot be used.
        """
        known = None if self.known is None else self.known.read()
        latents = read_all([*self.latents, *self.reseeded], known, "" if self.known is None else self.known.path)
        count = len(latents[self.latents[0]])
        self.analysis.check(count)
        runs = list(self._analysed(latents, progress))
        others, reseeded = runs[1 : len(self.latents)], runs[len(self.latents) :]
        refitted = list(self._refitted(runs[0], latents[runs[0].name], progress))
        orders = [generator(self.seed, i).permutation(count) for i in range(self.shuffles)]
        matchings = {other.name: match_clusters(runs[0].clusters, other.clusters) for other in others}
        scores = pd.DataFrame(list(scored(runs[0], others, reseeded, refitted, orders)))
        recovery = [] if known is None or self.known is None else list(recovered(self.known, known, runs, orders))
        return Compared(runs, others, matchings, scores, pd.DataFrame(recovery))

    def _analysed(self, latents: dict[str, np.ndarray], progress: Callable[[int], object]) -> Iterator[LatentRun]:
        for name, values in latents.items():
            yield self.analysis.analyse(name, values)
            progress(1)

    def _refitted(self, run: LatentRun, latents: np.ndarray, progress: Callable[[int], object]) -> Iterator[LatentRun]:
        for refit in range(1, self.refits + 1):
            yield self.analysis.refitted(run, latents, refit)
            progress(1)


def scored(
    first: LatentRun,
    others: Sequence[LatentRun],
    reseeded: Sequence[LatentRun],
    refitted: Sequence[LatentRun],
    orders: Sequence[np.ndarray],
) -> Iterator[Row]:
    """Yield a row for each run that the first is compared with, and for each repeat of its ceilings and of each floor."""
    for other in others:
        yield _row(first, other, COMPARED, 0)
        for i, order in enumerate(orders):
            yield _row(first, other.shuffled(order), FLOOR, i)
    for i, run in enumerate(reseeded):
        yield _row(first, run, RESEEDED, i)
    for i, run in enumerate(refitted):
        # The latents are the same, and so are all neighbours: nothing to be learned from them.
        yield _row(first, run, REFITTED, i) | {"neighbour_overlap": np.nan}


def _row(first: LatentRun, other: LatentRun, kind: str, repeat: int) -> Row:
    scores, _ = agreement(first.clusters, other.clusters, first.neighbours, other.neighbours)
    return {"first": first.name, "other": other.name, "kind": kind, "repeat": repeat, **scores._asdict()}


def recovered(known: Known, values: np.ndarray, runs: Sequence[LatentRun], orders: Sequence[np.ndarray]) -> Iterator[Row]:
    """Yield a row for each run, and for each repeat of its floor."""
    for run in runs:
        yield {"run": run.name, "kind": COMPARED, "repeat": 0, **known.recovery(values, run.clusters, run.neighbours)}
        for i, shuffled in enumerate(map(run.shuffled, orders)):
            floor = known.recovery(values, shuffled.clusters, shuffled.neighbours)
            yield {"run": run.name, "kind": FLOOR, "repeat": i, **floor}


def cluster_rows(other: str, matching: Matching) -> Iterator[Row]:
    """Yield a row per cluster of the first run: its size, its partner or None, and the share they have in common."""
    sizes, partner_sizes = matching.counts.sum(1), matching.counts.sum(0)
    for cluster, (partner, share) in enumerate(zip(matching.partner, matching.agreement_per_cluster, strict=True)):
        partner_size = partner_sizes[partner] if partner >= 0 else 0
        number = int(partner) if partner >= 0 else None
        row = {"other": other, "cluster": cluster, "particles": int(sizes[cluster]), "partner": number}
        yield row | {"partner_particles": int(partner_size), "agreement": share}


def particle_table(runs: Sequence[LatentRun]) -> pd.DataFrame:
    """Return a row per particle: its cluster and its place in the embedding (the first two dimensions) in each run."""
    columns: dict[str, np.ndarray] = {"particle": np.arange(len(runs[0].clusters))}
    for i, run in enumerate(runs):
        columns[f"cluster_{i}"] = run.clusters
        columns |= {f"embedding_{i}_{axis}": values for axis, values in enumerate(run.points.T[:2])}
    return pd.DataFrame(columns)
