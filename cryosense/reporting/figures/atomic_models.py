"""A comparison of models at a glance: how far apart residues are along each chain, and how models fit a map."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cryosense.files.tables import THRESHOLDS
from cryosense.reporting.style import ORANGE, VERMILION, resolution_axis, thresholds

DOTS_PER_INCH = 110
COLUMNS = 3
HEADROOM = 1.25  # for the legend, above the largest distance
COLOURS = {"a": "black", "b": VERMILION}


def draw_models(
    residues: pd.DataFrame | None,
    curves: Mapping[str, pd.DataFrame],
    within_angstrom: float,
    most_chains: int,
    title: str,
) -> Figure:
    """Return a figure: distances of residues along the first ``most_chains`` pairs of chains; FSC of a map to each model."""
    chains = [] if residues is None else list(residues.groupby(["chain_a", "chain_b"], sort=False))[:most_chains]
    columns = max(1, min(COLUMNS, len(chains)))
    rows = math.ceil(len(chains) / columns)
    heights = [2.3 * rows] * bool(rows) + [3.8] * bool(curves)
    figure = Figure(figsize=(13.5, sum(heights) + 0.6), dpi=DOTS_PER_INCH, layout="constrained")
    parts = list(figure.subfigures(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0])
    if chains:
        assert residues is not None
        part = parts.pop(0)
        _draw_chains(part, part.subplots(rows, columns, squeeze=False, sharey=True), chains, residues, within_angstrom)
    if curves:
        _draw_curves(parts.pop(0).subplots(), curves)
    figure.suptitle(title, fontsize=10)
    return figure


def _draw_chains(figure: Figure, panels: np.ndarray, chains: list, residues: pd.DataFrame, within_angstrom: float) -> None:
    """Draw a panel for each pair of chains, coloured by the confidence of b."""
    top = max(1.3 * within_angstrom, float(residues["distance_angstrom"].quantile(0.995)))
    known = residues["confidence_b"].dropna()
    low, high = known.quantile([0.02, 0.98]) if len(known) else (0.0, 1.0)
    points = None
    for axes, ((chain_a, chain_b), rows) in zip(panels.flat, chains, strict=False):
        place = np.arange(len(rows))
        axes.plot(place, rows["distance_superposed_angstrom"], color="0.55", linewidth=0.8, label="superposed")
        points = axes.scatter(
            place, rows["distance_angstrom"], c=rows["confidence_b"], vmin=low, vmax=high, s=5, cmap="viridis", zorder=3
        )
        axes.axhline(within_angstrom, color=ORANGE, linewidth=0.8, label=f"in place: {within_angstrom:g} Å")
        ticks = np.unique(np.linspace(0, len(rows) - 1, 6).astype(int))
        axes.set_xticks(ticks, rows["residue_a"].iloc[ticks])
        axes.set(ylim=(-0.03 * top, HEADROOM * top), xlim=(-1, len(rows)))
        axes.set_title(f"a {chain_a}, b {chain_b}: {len(rows)} residues", fontsize=9)
    for axes in panels.flat[len(chains) :]:
        axes.set_axis_off()
    panels.flat[0].legend(fontsize=7, loc="upper right", ncols=2)
    figure.supylabel("backbone distance (Å)", fontsize=9)
    figure.supxlabel("residue of a", fontsize=9)
    if points is not None:
        figure.colorbar(points, ax=panels, label="confidence of b (B-factor column)", fraction=0.03)


def _draw_curves(axes: Axes, curves: Mapping[str, pd.DataFrame]) -> None:
    for name, table in curves.items():
        frequency = table["frequency_per_angstrom"]
        lines = {"unmasked": ("-", 1.0), "masked": ("-", 2.0), "phase_randomised": (":", 1.0)}
        for curve, (line, width) in lines.items():
            label = f"{name}: {curve.replace('_', ' ')}"
            axes.plot(frequency, table[curve], line, color=COLOURS[name], linewidth=width, label=label)
    thresholds(axes, THRESHOLDS)
    axes.axhline(0, color="black", linewidth=0.5)
    resolution_axis(axes, float(frequency.iloc[-1]))
    axes.set(ylim=(-0.15, 1.03), ylabel="FSC, map to model")
    axes.legend(loc="center left", bbox_to_anchor=(1.04, 0.5), fontsize=8)
