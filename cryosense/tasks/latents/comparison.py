"""Are the same conformations found? Latents of two or more runs of the same particles, beside what is possible and chance."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cryosense.biology.agreement import agreement
from cryosense.biology.matching import Matching, match_clusters
from cryosense.errors import ArgumentError
from cryosense.files.tables import write_csv
from cryosense.files.writing import write_json_atomic, written_whole
from cryosense.reporting.figures.latents import draw_comparison
from cryosense.runs.provenance import begin_session, end_session
from cryosense.runs.record import open_run
from cryosense.seeding import generator
from cryosense.tasks.latents.known import Known
from cryosense.tasks.latents.runs import LatentAnalysis, LatentRun, fingerprint, read_all
from cryosense.tasks.latents.tables import COMPARED, FLOOR, REFITTED, RESEEDED, comparison_markdown

Row = dict[str, object]


@dataclass(frozen=True)
class LatentComparison:
    """What is compared, and how.

    Attributes:
        latents: files of latents (``z.N.pkl``, ``.npy``); the others are compared with the first.
        reseeded: latents of the first one's particle images from other training seeds: the ceiling of all comparisons.
        known: classes or a coordinate that are known, or None.
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
            raise ArgumentError(
                f"latents={list(self.latents)}: name two files or more, or one and what is known (known=classes)"
            )
        if self.refits < 0 or self.shuffles < 0:
            raise ArgumentError(f"refits={self.refits} and shuffles={self.shuffles} must not be negative")

    @property
    def embeddings(self) -> int:
        """How many are made: the work."""
        return len(self.latents) + len(self.reseeded) + self.refits

    def execute(self, directory: Path, config: str, progress: Callable[[int], object]) -> None:
        """Compare, unless it is done. ``progress`` is called with the number of embeddings made since its last call.

        Writes ``config.yaml`` first (``config``, what identifies the comparison); ``provenance.json``; ``comparison.csv`` (a
        row per pair and repeat), ``clusters.csv``, ``known.csv``, ``particles.csv``, ``comparison.md`` and
        ``comparison.png``; last ``done.json``.

        Raises:
            ArgumentError: input that cannot be used, before anything is written; a directory of another comparison.
        """
        known = None if self.known is None else self.known.read()
        latents = read_all([*self.latents, *self.reseeded], known, "" if self.known is None else self.known.path)
        count = len(latents[self.latents[0]])
        self.analysis.check(count)
        open_run(directory, config, fingerprint(latents, known))
        if (directory / "done.json").is_file():
            return
        begin_session(directory)
        runs = list(self._analysed(latents, progress))
        others, reseeded = runs[1 : len(self.latents)], runs[len(self.latents) :]
        refitted = list(self._refitted(runs[0], latents[runs[0].name], progress))
        orders = [generator(self.seed, i).permutation(count) for i in range(self.shuffles)]
        matchings = {other.name: match_clusters(runs[0].clusters, other.clusters) for other in others}
        scores = list(scored(runs[0], others, reseeded, refitted, orders))
        recovery = [] if known is None or self.known is None else list(recovered(self.known, known, runs, orders))
        write_tables(directory, runs, matchings, pd.DataFrame(scores), pd.DataFrame(recovery))
        if others:
            draw_comparison(directory / "comparison.png", runs[0], others, matchings)
        end_session(directory)
        write_json_atomic(directory / "done.json", {"particles": count, "runs": len(latents)})

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
    """-> a row for each run that the first is compared with, and for each repeat of its ceilings and of each floor."""
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
    """-> a row for each run, and for each repeat of its floor."""
    for run in runs:
        yield {"run": run.name, "kind": COMPARED, "repeat": 0, **known.recovery(values, run.clusters, run.neighbours)}
        for i, shuffled in enumerate(map(run.shuffled, orders)):
            floor = known.recovery(values, shuffled.clusters, shuffled.neighbours)
            yield {"run": run.name, "kind": FLOOR, "repeat": i, **floor}


def write_tables(
    directory: Path, runs: Sequence[LatentRun], matchings: dict[str, Matching], scores: pd.DataFrame, recovery: pd.DataFrame
) -> None:
    """Write scores, clusters, particles and what sums them up."""
    clusters = pd.DataFrame([row for name, matching in matchings.items() for row in cluster_rows(name, matching)])
    for name, table in (("comparison", scores), ("clusters", clusters), ("known", recovery)):
        if len(table):
            write_csv(directory / f"{name}.csv", table)
    write_csv(directory / "particles.csv", particle_table(runs))
    with written_whole(directory / "comparison.md") as unfinished:
        unfinished.write_text(comparison_markdown(runs[0].name, scores, clusters, recovery))


def cluster_rows(other: str, matching: Matching) -> Iterator[Row]:
    """-> a row per cluster of the first run: its size, its partner or None, and the share they have in common."""
    sizes, partner_sizes = matching.counts.sum(1), matching.counts.sum(0)
    for cluster, (partner, share) in enumerate(zip(matching.partner, matching.agreement_per_cluster, strict=True)):
        partner_size = partner_sizes[partner] if partner >= 0 else 0
        number = int(partner) if partner >= 0 else None
        row = {"other": other, "cluster": cluster, "particles": int(sizes[cluster]), "partner": number}
        yield row | {"partner_particles": int(partner_size), "agreement": share}


def particle_table(runs: Sequence[LatentRun]) -> pd.DataFrame:
    """-> a row per particle: its cluster and its place in the embedding (the first two dimensions) of each run, by number."""
    columns: dict[str, np.ndarray] = {"particle": np.arange(len(runs[0].clusters))}
    for i, run in enumerate(runs):
        columns[f"cluster_{i}"] = run.clusters
        columns |= {f"embedding_{i}_{axis}": values for axis, values in enumerate(run.points.T[:2])}
    return pd.DataFrame(columns)
