"""Designed masks at a glance: what is kept in each shell, and the FSC expected from it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from cryosense.reporting.style import BLUE, ORANGE, VERMILION

DOTS_PER_INCH = 110


def draw_design(
    table: pd.DataFrame,
    obtained: Tensor | None,
    fsc_floor: float,
    pixel_size_angstrom: float,
    summary: dict[str, object],
) -> Figure:
    """Return a figure: FSC of the pilot, expected without and with masks, obtained (n // 2 + 1,), and the profile below."""
    figure = Figure(figsize=(9.0, 7.0), dpi=DOTS_PER_INCH, layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[1.6, 1.0])
    _draw_curves(upper, table, obtained, fsc_floor)
    lower.step(table["shell"], table["keep_probability"], where="mid", color="black")
    lower.fill_between(table["shell"], table["keep_probability"], step="mid", color=BLUE, alpha=0.2)
    box_angstrom = 2 * (len(table) - 1) * pixel_size_angstrom
    ticks = np.linspace(0, len(table) - 1, 9)[1:]
    lower.set_xticks(ticks, [f"{box_angstrom / tick:.3g}" for tick in ticks])
    lower.set(xlim=(0, len(table) - 1), ylim=(0, 1.05), xlabel="resolution (Å)", ylabel="keep probability")
    without, expected = (summary[f"expected_{name}resolution_angstrom"] for name in ("uncompressed_", ""))
    readings = [f"{each:.2f} Å" if isinstance(each, float) else "none" for each in (expected, without)]
    compression = f"compression (dof) {summary['compression']:.3g}"
    figure.suptitle(f"{compression}: {readings[0]} expected at 0.143, {readings[1]} without masks", fontsize=11)
    return figure


def _draw_curves(axes: Axes, table: pd.DataFrame, obtained: Tensor | None, fsc_floor: float) -> None:
    shells = table["shell"].to_numpy()
    axes.plot(shells, table["pilot_fsc"], "o", markersize=3, color="0.55", label="pilot")
    log_snr, deviation = table["log_snr"].to_numpy(), table["log_snr_deviation"].to_numpy()
    low, high = (1 / (1 + np.exp(-(log_snr + sign * deviation))) for sign in (-1, 1))
    axes.fill_between(shells, low, high, color=BLUE, alpha=0.2, linewidth=0)
    axes.plot(shells, table["expected_uncompressed"], color=BLUE, label="all particles, no masks: expected ± deviation")
    axes.plot(shells, table["expected"], color="black", label="all particles, these masks: expected")
    if obtained is not None:
        axes.plot(shells, obtained.numpy(), "--", color=VERMILION, label="obtained")
    for value, label in ((0.143, "0.143"), (fsc_floor, f"floor {fsc_floor:g}")):
        axes.axhline(value, color=ORANGE, linewidth=0.8)
        axes.annotate(label, (1.0, value), xycoords=("axes fraction", "data"), fontsize=8, color=ORANGE)
    axes.axhline(0, color="black", linewidth=0.5)
    axes.set(ylim=(-0.12, 1.03), ylabel="Fourier shell correlation of half maps")
    axes.legend(fontsize=8, loc="lower left")
