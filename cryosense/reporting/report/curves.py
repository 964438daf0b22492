"""Scores and resolutions against compression, one figure for each family of operators."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cryosense.metrics.score_table import Shown
from cryosense.reporting.scores import LOWER_IS_BETTER, TITLES, in_paper_order, shown
from cryosense.reporting.style import look, method_words
from cryosense.reporting.tables.formats import method_label, noise_and_quantiser, operator_name
from cryosense.reporting.tables.map_lines import EQUIVALENT, RESOLUTIONS, UNCOMPRESSED
from cryosense.reporting.tables.map_lines import TITLES as MAP_TITLES
from cryosense.reporting.tables.summary import BASELINE, METHOD, natural_place

SCORES = in_paper_order(shown(Shown.CURVES))
OF_MAPS = [*RESOLUTIONS, EQUIVALENT]
FAMILY = ["data", "operator", "masks", "block_size", "symmetric", "noise_sigma", "noise_placement", "quantiser"]
PANELS_ACROSS = 3
MARKERS = "osD^vP*X<>"


def score_curves(lines: pd.DataFrame) -> Iterator[tuple[str, Figure]]:
    """Yield the name of each family with several compressions, and a figure of its scores against C."""
    looks = looks_of(lines)
    for name, family in families(lines):
        scores = [score for score in SCORES if family[score].notna().any()]
        if scores:
            yield name, _figure(family, scores, TITLES, looks, {})


def map_score_curves(maps: pd.DataFrame) -> Iterator[tuple[str, Figure]]:
    """Yield the same for the resolutions of maps; maps of uncompressed particles are horizontal lines."""
    whole = maps[maps["reconstructor"] == UNCOMPRESSED]
    known = maps[maps["compression_nominal"].notna()]
    looks = looks_of(known)
    levels = {score: whole[score].astype(float).dropna().tolist() for score in OF_MAPS}
    for name, family in families(known):
        scores = [score for score in OF_MAPS if np.isfinite(family[score].astype(float)).any()]
        if scores:
            yield name, _figure(family, scores, MAP_TITLES | {EQUIVALENT: "equivalent particles"}, looks, levels)


def looks_of(lines: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return how each method is drawn, the same in all figures, with the pseudo-inverse in black."""
    methods = lines.assign(place=natural_place(lines)).sort_values(["place", *METHOD], na_position="first")
    names = list(dict.fromkeys(method_label(line) for _, line in methods.iterrows()))
    others = [name for name in names if name != BASELINE]
    looks = {
        name: {"color": look(number)[0], "marker": MARKERS[number % len(MARKERS)], "linestyle": look(number)[1]}
        for number, name in enumerate(others)
    }
    return {name: looks.get(name, {"color": "black", "marker": "o", "linestyle": "--", "zorder": 5}) for name in names}


def families(lines: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield a name and the lines of operators that differ only in compression, where there are several."""
    for _, family in lines.groupby(FAMILY, dropna=False, sort=False):
        if family["compression_nominal"].nunique() < 2:
            continue
        first = family.iloc[0]
        parts = [str(first["data"])] if pd.notna(first["data"]) else []
        parts.append(operator_name(first))
        if pd.notna(first["block_size"]):
            parts.append(f"K = {first['block_size']:.0f}")
        elif pd.notna(first["symmetric"]):
            parts.append("symmetric" if first["symmetric"] else "not symmetric")
        yield ", ".join([*parts, *noise_and_quantiser(first)]), family


def _figure(
    family: pd.DataFrame,
    scores: list[str],
    titles: dict[str, str],
    looks: dict[str, dict[str, Any]],
    levels: dict[str, list[float]],
) -> Figure:
    """Return a figure with one panel per score; ``levels`` are drawn as horizontal lines."""
    rows = -(-len(scores) // PANELS_ACROSS)
    figure = Figure(figsize=(12.5, 3.3 * rows + 0.9), layout="constrained")
    panels = figure.subplots(rows, min(PANELS_ACROSS, len(scores)), squeeze=False).ravel()
    for axes, score in zip(panels, scores, strict=False):
        _draw(axes, family, score, looks)
        for level in levels.get(score, []):
            axes.axhline(level, color="0.5", linewidth=1, linestyle=":", label=UNCOMPRESSED)
        better = "lower" if score in LOWER_IS_BETTER or score in RESOLUTIONS else "higher"
        axes.set_title(f"{titles.get(score, score)}{' (Å)' * (score in RESOLUTIONS)}, {better} is better", fontsize=10)
    for axes in panels[len(scores) :]:
        axes.set_axis_off()
    handles, labels = panels[0].get_legend_handles_labels()
    named = dict(zip(labels, handles, strict=True))
    figure.legend(named.values(), named.keys(), loc="outside lower center", ncols=5, fontsize=8, frameon=False)
    return figure


def _draw(axes: Axes, family: pd.DataFrame, score: str, looks: dict[str, dict[str, Any]]) -> None:
    """Draw one curve per method, with intervals as bars, over nominal compression (degrees of freedom in brackets)."""
    ordered = family.assign(place=natural_place(family)).sort_values(["place", *METHOD], na_position="first")
    for _, line in ordered.groupby(METHOD, dropna=False, sort=False):
        points = line.sort_values("compression_nominal")
        middle = points[score].astype(float).replace(np.inf, np.nan)
        low, high = (points.get(f"{score}{end}", middle).astype(float).fillna(middle) for end in ("_low", "_high"))
        label = method_label(points.iloc[0])
        axes.errorbar(
            points["compression_nominal"],
            middle,
            yerr=np.clip([middle - low, high - middle], 0, None),
            label=method_words(points.iloc[0]),
            **looks[label],
            markersize=4,
            linewidth=1.3,
            capsize=2,
        )
    exact = family.groupby("compression_nominal")["compression_dof"].median()
    axes.set_xscale("log")
    axes.minorticks_off()
    axes.set_xticks(list(exact.index), [f"{c:.3g}\n({dof:.2f})" for c, dof in exact.items()], fontsize=8)
    axes.set_xlabel("compression, nominal (degrees of freedom)", fontsize=8)
    axes.tick_params(axis="y", labelsize=8)
    axes.grid(alpha=0.3)
