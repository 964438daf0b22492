"""The curves of a validation, beside what chance allows."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from cryosense.files.tables import THRESHOLDS
from cryosense.metrics.chance import DEVIATIONS
from cryosense.reporting.style import BLUE, ORANGE, VERMILION, thresholds

DOTS_PER_INCH = 110
COLOURS = {"particles": "black", "noise": VERMILION, "randomised": BLUE}
TITLES = {"half maps": "half maps", "to truth": "full map to the truth"}
LINES = {"uncompressed": ":", "compressed": "-"}


def draw_validation(table: pd.DataFrame, cutoff: int, box_angstrom: float) -> Figure:
    """Return a figure: half-map FSC and FSC to the truth of particles, of noise and of particles with random phases."""
    figure = Figure(figsize=(12.0, 5.4), dpi=DOTS_PER_INCH, layout="constrained")
    shells = table["shell"].to_numpy()
    chance = DEVIATIONS / np.sqrt(4 * np.pi * np.maximum(shells, 1) ** 2)
    for axes, curve in zip(figure.subplots(1, 2, sharey=True), TITLES, strict=True):
        axes.fill_between(shells[1:], -chance[1:], chance[1:], color="0.55", alpha=0.3, label="chance: 2 deviations")
        for images, colour in COLOURS.items():
            for chain, line in LINES.items():
                axes.plot(shells, table[f"{images}, {chain}, {curve}"], line, color=colour, label=f"{images}, {chain}")
        if f"noise, aligned, {curve}" in table.columns:
            axes.plot(shells, table[f"noise, aligned, {curve}"], "--", color=ORANGE, label="noise, aligned to the truth")
        axes.axvline(cutoff, color=BLUE, linewidth=0.8, label="randomised: phases random beyond")
        ticks = np.linspace(0, shells[-1], 9)[1:]
        axes.set_xticks(ticks, [f"{box_angstrom / tick:.3g}" for tick in ticks])
        axes.set(xlim=(0, shells[-1]), ylim=(-0.35, 1.03), xlabel="resolution (Å)", ylabel="Fourier shell correlation")
        axes.set_title(TITLES[curve], fontsize=10)
        thresholds(axes, THRESHOLDS)
        axes.axhline(0, color="black", linewidth=0.5)
        axes.grid(alpha=0.3)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    return figure
