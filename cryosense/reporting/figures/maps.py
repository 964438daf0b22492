"""A reconstruction at a glance: its FSC curves and central sections of the map."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from cryosense.files.tables import THRESHOLDS
from cryosense.reporting.style import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION, resolution_axis, thresholds
from cryosense.reporting.tables.resolutions import CURVES, reading_between

STYLES = {
    "unmasked": ("0.55", "-"),
    "masked": (BLUE, "-"),
    "phase_randomised": (VERMILION, ":"),
    "corrected": ("black", "-"),
    "to_reference": (GREEN, "--"),
    "to_model": (ORANGE, "--"),
    "cross_half1": (PURPLE, "-"),
    "cross_half2": (SKY, "-"),
    "uncompressed": (GREEN, ":"),
}
SECTIONS = (("z", "x", "y"), ("y", "x", "z"), ("x", "y", "z"))
DOTS_PER_INCH, WIDTH_INCHES = 110, 13.5
# Of a legend beside the curves, in inches: how far away it is, all but its words with that, and a character of these.
GAP_INCHES, LEGEND_INCHES, CHARACTER_INCHES = 0.4, 0.95, 0.0605


def draw_map(
    table: pd.DataFrame,
    resolutions: pd.DataFrame,
    full_map: Tensor,
    mask: Tensor,
    pixel_size_angstrom: float,
    title: str,
) -> Figure:
    """Return a figure: the curves of ``table`` with their resolutions, and sections of the map with the mask's outline."""
    figure = Figure(figsize=(WIDTH_INCHES, 7.2), dpi=DOTS_PER_INCH)
    # Places that all such figures share: to find them for each takes longer than to draw it.
    curves = figure.add_axes((0.05, 0.58, 0.9, 0.36))
    _draw_curves(curves, table, resolutions)
    longest = max(len(str(line.get_label())) for line in curves.get_lines())
    width = 0.95 * WIDTH_INCHES - LEGEND_INCHES - CHARACTER_INCHES * longest
    curves.set_position((0.05, 0.58, width / WIDTH_INCHES, 0.36))
    curves.legend(loc="center left", bbox_to_anchor=(1 + GAP_INCHES / width, 0.5), fontsize=8)
    for column, (axis, across, up) in enumerate(SECTIONS):
        axes = figure.add_axes((0.045 + 0.325 * column, 0.075, 0.27, 0.39))
        middle = full_map.shape[0] // 2
        section, outline = (each.select(column, middle).numpy() for each in (full_map, mask))
        _draw_section(axes, section, outline, pixel_size_angstrom)
        axes.set_title(f"section {axis} = 0", fontsize=9, y=1.0)  # else it is placed by what is around it, which takes long
        axes.set_xlabel(f"{across} (Å)")
        axes.set_ylabel(f"{up} (Å)")
    figure.suptitle(title, fontsize=10, y=0.985)
    return figure


def _draw_curves(axes: Axes, table: pd.DataFrame, resolutions: pd.DataFrame) -> None:
    for name, (colour, line) in STYLES.items():
        if name in table.columns:
            frequency = table["frequency_per_angstrom"]
            axes.plot(frequency, table[name], line, color=colour, label=CURVES[name] + _readings(resolutions, name))
            if f"{name}_low" in table.columns:
                band = (table[f"{name}_low"], table[f"{name}_high"])
                axes.fill_between(frequency, *band, color=colour, alpha=0.15, linewidth=0)
    thresholds(axes, THRESHOLDS)
    axes.axhline(0, color="black", linewidth=0.5)
    nyquist = float(table["frequency_per_angstrom"].iloc[-1])
    axes.set(ylim=(-0.15, 1.03), ylabel="Fourier shell correlation")
    resolution_axis(axes, nyquist)


def _readings(resolutions: pd.DataFrame, curve: str) -> str:
    rows = resolutions[resolutions["curve"] == curve]
    read = [f"{reading_between(row)} at {row['threshold']:g}" for row in rows.to_dict("records")]
    return f": {', '.join(read)}" if read else ""


def _draw_section(axes: Axes, section: np.ndarray, outline: np.ndarray, pixel_size_angstrom: float) -> None:
    n = len(section)
    low, high = (np.arange(n)[[0, -1]] - n // 2) * pixel_size_angstrom
    half = pixel_size_angstrom / 2
    limits = np.percentile(section, (0.5, 99.8))
    extent = (low - half, high + half, low - half, high + half)
    axes.imshow(section, cmap="gray", vmin=limits[0], vmax=limits[1], origin="lower", extent=extent, interpolation="nearest")
    if outline.min() < 0.5 < outline.max():
        position = (np.arange(n) - n // 2) * pixel_size_angstrom
        axes.contour(position, position, outline, levels=[0.5], colors=SKY, linewidths=0.8)
