"""Recovery of the truth against compression: linear modes, cryoDRGN, and what the measurements hold."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLOURS = {"original": "black", "pinv": "tab:blue", "fourier_crop": "tab:green", "tv": "tab:orange"}
TITLES = {
    "two_state": "two states",
    "continuum": "continuum",
}
TICKS = [1, 2, 4, 8]


def draw(path: Path, table: pd.DataFrame) -> None:
    """Write a PNG, a panel for each data set."""
    figure = Figure(figsize=(12.0, 4.6), layout="constrained")
    for axes, (data, title) in zip(figure.subplots(1, 2).flat, TITLES.items(), strict=True):
        _panel(axes, table[table["data"] == data], title)
    figure.axes[0].legend(fontsize=8)
    figure.savefig(path, dpi=110)


def _panel(axes: Axes, rows: pd.DataFrame, title: str) -> None:
    score = "label_transfer" if rows["spearman"].isna().all() else "spearman"
    bound = rows[rows["latents"] == "true maps"]
    axes.plot(bound["compression"], bound[score], "k--", label="most likely state by the true maps, pixel masks")
    for method, colour in COLOURS.items():
        linear = rows[(rows["latents"] == "linear") & (rows["method"] == method)].sort_values("compression")
        axes.plot(linear["compression"], linear[score], "o-", color=colour, label=f"linear modes, {method}")
        trained = rows[rows["latents"].str.startswith("cryoDRGN") & (rows["method"] == method)]
        last = trained[trained["latents"] == trained["latents"].max()]
        label = f"cryoDRGN, {method}" if len(last) else None
        axes.plot(last["compression"], last[score], "x", color=colour, markersize=9, markeredgewidth=2, label=label)
    axes.axhline(rows[rows["latents"] == "chance"][score].iloc[0], color="tab:grey", linestyle=":", label="particles shuffled")
    axes.set_xscale("log", base=2)
    axes.set_xticks(TICKS, [str(tick) for tick in TICKS])
    axes.set(xlabel="compression", ylim=(-0.1 if score == "spearman" else 0.4, 1.03))
    axes.set_ylabel("label transfer" if score == "label_transfer" else "Spearman, angle of the hinge")
    axes.set_title(title, fontsize=10)
    axes.grid(alpha=0.3)
