"""Maps below a directory: their resolutions in one table, their curves in one figure."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from cryosense.errors import CryosenseError, UnusableRunError
from cryosense.files.limits import read_json, shown
from cryosense.files.tables import read_table, reading
from cryosense.reporting.style import look, resolution_axis, thresholds

# Curve and threshold of each resolution in the table.
SHOWN = {
    "half maps, 0.143": ("corrected", 0.143),
    "to uncompressed, 0.143": ("cross_half1", 0.143),
    "to reference, 0.5": ("to_reference", 0.5),
}
MOST_SHELLS, LARGEST_VALUE = 100_000, 1e12
RESOLUTIONS = ["threshold", "resolution_angstrom"]
PANELS = {
    "corrected": "half maps, corrected",
    "cross_half1": "half map 1 to the other half, uncompressed",
    "to_reference": "to the reference",
}


@dataclass(frozen=True)
class FinishedMap:
    """One back-projection: its name, its directory, its summary, its curves and its resolutions."""

    name: str
    directory: Path
    summary: dict[str, object]
    curves: pd.DataFrame
    resolutions: pd.DataFrame


def finished_maps(directory: Path) -> tuple[list[FinishedMap], list[tuple[Path, str]]]:
    """Return the finished back-projections at or below a directory, and the directories of damaged ones with reasons."""
    found, damaged = [], []
    for parent, folders, files in os.walk(directory):
        folders[:] = sorted(folder for folder in folders if not folder.startswith("."))
        if {"done.json", "fsc.csv", "resolution.csv"} <= set(files):
            folder = Path(parent)
            name = str(folder.relative_to(directory)) if folder != directory else folder.name
            try:
                found.append(_finished_map(folder, shown(name)))
            except CryosenseError as error:
                damaged.append((folder, f"damaged: {error}"))
    return found, damaged


def _finished_map(folder: Path, name: str) -> FinishedMap:
    curves = read_table(folder / "fsc.csv", ["frequency_per_angstrom", "corrected"])
    resolutions = read_table(folder / "resolution.csv", RESOLUTIONS, words=["curve", "at_nyquist"])
    resolutions["at_nyquist"] = resolutions["at_nyquist"] == "True"
    frequency = curves["frequency_per_angstrom"].to_numpy()
    known = curves.fillna(0).to_numpy()
    rises = len(frequency) > 1 and frequency[0] >= 0 and bool((np.diff(frequency) > 0).all())
    rises = rises and frequency[-1] * LARGEST_VALUE > 1  # resolutions, which are one over them, are numbers too
    if len(curves) > MOST_SHELLS or not rises or not (np.abs(known) <= LARGEST_VALUE).all():
        raise UnusableRunError(f"{folder / 'fsc.csv'} holds no curves over shells")
    if len(resolutions) > MOST_SHELLS or (resolutions["resolution_angstrom"] < 0).any():
        raise UnusableRunError(f"{folder / 'resolution.csv'} holds no resolutions")
    return FinishedMap(name, folder, _summary(folder / "done.json"), curves, resolutions)


def _summary(path: Path) -> dict[str, object]:
    summary = read_json(path)
    worth = summary.get("equivalent_particles")
    crossed = worth.get("cross") if isinstance(worth, dict) else None
    numbers = [crossed, summary.get("compression_dof")]
    if not isinstance(summary.get("particles"), int) or not all(map(_is_usable, [summary["particles"], *numbers])):
        raise UnusableRunError(
            f"{path} is not the summary of a back-projection: the number of particles, or of equivalent ones, is missing"
        )
    return summary


def _is_usable(number: object) -> bool:
    """Return whether it is a number that can be used, or None."""
    return number is None or (isinstance(number, (int, float)) and 0 <= number <= LARGEST_VALUE)


def resolution_lines(maps: list[FinishedMap]) -> pd.DataFrame:
    """Return one line per map: bytes of a particle in a measurement file, their worth, particles, and resolutions in words."""
    lines = []
    for each in maps:
        line: dict[str, object] = {"maps": each.name}
        worth = each.summary.get("equivalent_particles")
        crossed = worth.get("cross") if isinstance(worth, dict) else None
        measured = each.summary.get("measured")
        size = measured.get("bytes_per_particle") if isinstance(measured, dict) else None
        line["bytes"] = f"{size:.0f}" if isinstance(size, int | float) and _is_usable(size) else ""
        line["equivalent particles"] = "" if crossed is None else f"{crossed:.0f}"
        line["particles"] = each.summary["particles"]
        for title, (curve, threshold) in SHOWN.items():
            rows = each.resolutions[(each.resolutions["curve"] == curve) & (each.resolutions["threshold"] == threshold)]
            found = zip(rows["resolution_angstrom"], rows["at_nyquist"], strict=True)
            words = [reading(float(resolution), at_nyquist=bool(limit)) for resolution, limit in found]
            line[title] = words[0] if words else ""
        lines.append(line)
    table = pd.DataFrame(lines)
    return table if table["bytes"].any() else table.drop(columns="bytes")


def map_curves(maps: list[FinishedMap]) -> Figure:
    """Return a figure with a panel for each kind of curve that some map has, with all maps in it."""
    panels = {curve: title for curve, title in PANELS.items() if any(curve in each.curves for each in maps)}
    figure = Figure(figsize=(5.5 * len(panels), 4.5), dpi=100, layout="constrained")
    for axes, (curve, title) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
        for number, each in enumerate(maps):
            if curve in each.curves:
                frequency = each.curves["frequency_per_angstrom"]
                colour, style = look(number)
                [line] = axes.plot(frequency, each.curves[curve], color=colour, linestyle=style, label=each.name)
                if f"{curve}_low" in each.curves:
                    band = (each.curves[f"{curve}_low"], each.curves[f"{curve}_high"])
                    axes.fill_between(frequency, *band, color=line.get_color(), alpha=0.12, linewidth=0)
        thresholds(axes, (0.143, 0.5))
        axes.set(title=title, ylabel="Fourier shell correlation", ylim=(-0.1, 1.02))
        resolution_axis(axes, max(float(each.curves["frequency_per_angstrom"].iloc[-1]) for each in maps))
        axes.legend(fontsize=8)
    return figure
