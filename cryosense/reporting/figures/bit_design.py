"""A profile of bits at a glance: what each shell gets, and the FSC expected of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cryosense.reporting.style import BLUE, ORANGE

DOTS_PER_INCH = 110
CURVES = (("", "without a mask", "-"), ("_masked", "under the mask", "--"))


def draw_bits(table: pd.DataFrame, summary: dict[str, Any]) -> Figure:
    """Return a figure of ``profile.csv`` and ``design.json``: FSC expected without and with the design, bits below."""
    figure = Figure(figsize=(9.0, 7.0), dpi=DOTS_PER_INCH, layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[1.6, 1.0])
    _draw_curves(upper, table)
    lower.step(table["shell"], table["bits_per_number"], where="mid", color="black")
    lower.fill_between(table["shell"], table["bits_per_number"], step="mid", color=BLUE, alpha=0.2)
    box_angstrom = summary["box_size"] * summary["pixel_size_angstrom"]
    ticks = np.linspace(0, len(table) - 1, 9)[1:]
    lower.set_xticks(ticks, [f"{box_angstrom / tick:.3g}" for tick in ticks])
    lower.set(xlim=(0, len(table) - 1), xlabel="resolution (Å)", ylabel="bits a number")
    lower.set_ylim(0, 1.1 * table["bits_per_number"].max())
    figure.suptitle(_title(summary), fontsize=11)
    return figure


def _title(summary: dict[str, Any]) -> str:
    worth, flat = (summary[f"equivalent_particles_share{ending}"] for ending in ("", "_flat"))
    said = f"{summary['bits_per_pixel']:.3g} bits a pixel"
    if summary["bytes_per_particle"] is not None:
        said += f", {summary['bytes_per_particle']:.0f} bytes a particle"
    said += "" if worth is None else f": {worth:.1%} of the particles expected"
    return said + ("" if flat is None else f", {flat:.1%} with one step for all shells")


def _draw_curves(axes: Axes, table: pd.DataFrame) -> None:
    shells = table["shell"].to_numpy()
    log_snr, deviation = table["log_snr"].to_numpy(), table["log_snr_deviation"].to_numpy()
    low, high = (1 / (1 + np.exp(-(log_snr + sign * deviation))) for sign in (-1, 1))
    axes.fill_between(shells, low, high, color=BLUE, alpha=0.2, linewidth=0, label="± deviation")
    for ending, where, style in CURVES:
        axes.plot(shells, table[f"expected_uncompressed{ending}"], style, color=BLUE, label=f"uncompressed, {where}")
        axes.plot(shells, table[f"expected{ending}"], style, color="black", label=f"this design, {where}")
    axes.axhline(0.143, color=ORANGE, linewidth=0.8)
    axes.annotate("0.143", (1.0, 0.143), xycoords=("axes fraction", "data"), fontsize=8, color=ORANGE)
    axes.set(ylim=(-0.02, 1.03), ylabel="expected half-map FSC")
    axes.legend(fontsize=8, loc="lower left")
