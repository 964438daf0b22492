"""Pictures of methods.py: what is lost, and what particles are worth, against compression."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

METHODS = {
    "mask-aware": ("black", "o"), "pinv": ("tab:grey", "s"), "Wiener": ("tab:olive", "D"), "DCT": ("tab:blue", "^"),
    "wavelet": ("tab:orange", "v"), "TV": ("tab:green", "P"), "posterior": ("tab:red", "*"),
    "posterior, mean of 4": ("tab:red", "d"), "Gaussian control": ("tab:purple", "X"),
}  # fmt: skip
MASKS = {
    "pixel K = 2": ("tab:olive", "<"), "pixel K = 4": ("tab:orange", ">"), "pixel K = 16": ("tab:brown", "X"),
    "uniform": ("tab:blue", "o"), "ring": ("tab:purple", "D"), "radial": ("tab:green", "^"),
    "variable density": ("tab:red", "*"), "uniform, paper's": ("tab:cyan", "s"), "radial, paper's": ("tab:pink", "v"),
}  # fmt: skip
ROWS = {
    "lost_half_maps": "shells lost\n(half maps, 0.143)",
    "lost_to_truth": "shells lost\n(to the truth, 0.5)",
    "worth_cross": "equivalent particles / particles\n(cross-FSC)",
}
TICKS = [1, 1.5, 2, 2.5, 4, 8]
SHARES = [1, 0.5, 0.25, 0.1, 0.05]


@dataclass(frozen=True)
class Column:
    """A column of panels: its title, its rows of the table, and by what its lines differ."""

    title: str
    rows: pd.DataFrame
    by: str


def draw(table: pd.DataFrame, folder: Path) -> None:
    """Write ``methods.png``, ``masks.png`` and ``posterior.png``."""
    own, shared = table[~table["shared"]], table[table["shared"]]
    groel, small = own[own["density"] == "groel"], own[own["density"] == "builtin, 64 px"]
    chosen = {masks: groel[groel["masks"] == masks] for masks in ("pixel K = 4", "uniform", "radial")}
    _panels([Column(f"GroEL, {masks}", rows, "method") for masks, rows in chosen.items()], folder / "methods.png")
    direct = own[own["method"] == "mask-aware"]
    families = [
        Column("GroEL, mask-aware, own masks", direct[direct["density"] == "groel"], "masks"),
        Column("built-in, mask-aware, own masks", direct[direct["density"] == "builtin"], "masks"),
        Column("GroEL, pinv, own masks", groel[groel["method"] == "pinv"], "masks"),
        Column("GroEL, pinv, one mask set for all", shared.query("density == 'groel' and method == 'pinv'"), "masks"),
    ]
    _panels(families, folder / "masks.png")
    chosen = {masks: small[small["masks"] == masks] for masks in ("pixel K = 4", "uniform")}
    _panels([Column(f"built-in, 64 px, {masks}", rows, "method") for masks, rows in chosen.items()], folder / "posterior.png")


def _panels(columns: list[Column], path: Path) -> None:
    figure = Figure(figsize=(4.6 * len(columns), 9.5), layout="constrained")
    grid = figure.subplots(len(ROWS), len(columns), sharex=True, sharey="row", squeeze=False)
    for i, column in enumerate(columns):
        for axes, (measure, label) in zip(grid[:, i], ROWS.items(), strict=True):
            _lines(axes, column, measure)
            if i == 0:
                axes.set_ylabel(label)
        grid[0, i].set_title(column.title)
        grid[-1, i].set_xlabel("compression (dof)")
        grid[-1, i].legend(fontsize=8)
    for axes in grid[:2].flat:
        axes.axhspan(-1, 1, color="tab:grey", alpha=0.2)
    grid[0, 0].invert_yaxis()
    grid[1, 0].invert_yaxis()
    figure.savefig(path, dpi=100)


def _lines(axes: Axes, column: Column, measure: str) -> None:
    """A line for each method or family that is known here, against the compression that was reached."""
    styles = METHODS if column.by == "method" else MASKS
    for name, (colour, marker) in styles.items():
        line = column.rows[column.rows[column.by] == name].sort_values("compression_dof")
        if len(line):
            axes.plot(line["compression_dof"], line[measure], marker=marker, color=colour, label=name, markersize=5)
    if measure == "worth_cross":
        ends = pd.Series(range(100, 801)) / 100
        axes.plot(ends, 1 / ends, ":", color="black", label="1 / C")
        axes.set(yscale="log", yticks=SHARES, yticklabels=[f"{share:g}" for share in SHARES])
    axes.set(xscale="log", xticks=TICKS, xticklabels=[f"{tick:g}" for tick in TICKS])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
