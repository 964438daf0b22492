"""A comparison of latents in words and numbers: every score beside its ceiling and its floor."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from cryosense.files.escapes import markdown
from cryosense.files.limits import shown

COMPARED = "compared"
RESEEDED = "ceiling: same images, other training seed"
REFITTED = "ceiling: same latents, other clustering seed"
FLOOR = "floor: particles shuffled"
TITLES = {
    "agreement": "agreement",
    "ari": "ARI",
    "nmi": "NMI",
    "neighbour_overlap": "neighbour overlap",
    "label_transfer": "label transfer",
    "spearman": "Spearman",
    "r2": "R2",
}
LEGEND = """\
Agreement: share of the particles in clusters matched by the optimal assignment. ARI: adjusted Rand index. NMI: normalised
mutual information. Neighbour overlap: share of a particle's nearest neighbours in latent space that are the same. Label
transfer: share of the particles whose class is the most frequent one among their neighbours. Ranges are over repeats."""


def comparison_markdown(first: str, scores: pd.DataFrame, clusters: pd.DataFrame, recovery: pd.DataFrame) -> str:
    """Return tables as Markdown: runs against the first, each of its clusters, and what is known against all runs."""
    parts = []
    if len(scores):
        parts += [f"Against {markdown(shown(first))}:", _table(_score_lines(scores, "other"), "run")]
    if len(clusters):
        parts += ["Clusters of the first run:", _cluster_table(clusters)]
    if len(recovery):
        parts += ["Recovery of what is known:", _table(_score_lines(recovery, "run"), "run")]
    return "\n\n".join([*parts, LEGEND]) + "\n"


def _score_lines(rows: pd.DataFrame, name: str) -> Iterator[dict[str, str]]:
    """Yield one line per run and, below it, its floor; the ceilings, which belong to the first run, come last."""
    there = [score for score in TITLES if score in rows.columns]
    for run, of_run in rows[rows["kind"].isin([COMPARED, FLOOR])].groupby(name, sort=False):
        for kind, repeats in of_run.groupby("kind", sort=False):
            yield {"": str(run) if kind == COMPARED else FLOOR, **_cells(repeats[there])}
    for kind, repeats in rows[rows["kind"].isin([RESEEDED, REFITTED])].groupby("kind", sort=False):
        yield {"": str(kind), **_cells(repeats[there])}


def _cells(repeats: pd.DataFrame) -> dict[str, str]:
    """Return mean and range over repeats by title, empty where nothing is known."""
    cells = {}
    for score, values in repeats.items():
        low, high = values.min(), values.max()
        spread = f" ({low:.3f} to {high:.3f})" if high > low else ""
        cells[TITLES[str(score)]] = "" if values.isna().all() else f"{values.mean():.3f}{spread}"
    return cells


def _table(lines: Iterator[dict[str, str]], name: str) -> str:
    rows = list(lines)
    header = [name if title == "" else title for title in rows[0]]
    return _markdown([header, *[list(row.values()) for row in rows]])


def _cluster_table(clusters: pd.DataFrame) -> str:
    header = ["run", "cluster", "particles", "partner", "its particles", "share in partner"]
    rows = [
        [
            row["other"],
            f"{row['cluster']}",
            f"{row['particles']}",
            "none" if pd.isna(row["partner"]) else f"{row['partner']:.0f}",
            f"{row['partner_particles']}",
            f"{row['agreement']:.3f}",
        ]
        for row in clusters.to_dict("records")
    ]
    return _markdown([header, *rows])


def _markdown(rows: list[list[str]]) -> str:
    rule = ["---", *["---:"] * (len(rows[0]) - 1)]
    escaped = [[markdown(shown(cell)) for cell in row] for row in rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in [escaped[0], rule, *escaped[1:]])
