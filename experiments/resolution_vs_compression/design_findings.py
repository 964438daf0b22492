"""What the back-projections of design.py show: shells that are resolved, shells below the floor; as a table and a figure."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

STYLES = {"designed": ("tab:blue", "o-"), "flat": ("tab:red", "s-"), "uncompressed": ("black", "")}
MEASURES = {
    "shell_half_maps": "half maps, 0.143",
    "shell_corrected": "half maps, corrected, 0.143",
    "shell_to_truth": "map to truth, 0.5",
}


def finding(
    density: str, kind: str, compression: float, pilot: int | None, directory: Path, uncompressed: Path, floor: float
) -> dict[str, object]:
    """-> a row: the shells (fractions between shells) at which curves first fall below their thresholds, and the floor.

    ``lowest_fsc`` is that of the shells that without masks are resolved and above the floor; ``below_floor`` counts those that
    are below it, and ``below_floor_beyond_chance`` those by more than two standard deviations of Fisher's z.
    """
    curves, whole = (pd.read_csv(each / "fsc.csv") for each in (directory, uncompressed))
    resolved = int(shell_below(whole["unmasked"], 0.143))
    asked = [k for k in range(1, resolved + 1) if whole["unmasked"][k] > floor]
    fsc = curves["unmasked"][asked].to_numpy()
    z = np.sqrt(4 * np.pi * np.array(asked) ** 2) * (np.arctanh(fsc) - np.arctanh(floor))
    return {
        "density": density,
        "masks": kind,
        "compression": compression,
        "compression_dof": json.loads((directory / "done.json").read_text())["compression_dof"],
        "pilot": pilot,
        "shell_half_maps": shell_below(curves["unmasked"], 0.143),
        "shell_corrected": shell_below(curves["corrected"], 0.143),
        "shell_to_truth": shell_below(curves["to_reference"], 0.5),
        "lowest_fsc": float(fsc.min()),
        "below_floor": int((fsc < floor).sum()),
        "below_floor_beyond_chance": int((z < -2).sum()),
    }


def shell_below(curve: pd.Series, threshold: float) -> float:
    """-> where the curve first falls below the threshold, linear between shells; 0 if it starts there, Nyquist if never."""
    below = np.flatnonzero(curve.to_numpy()[1:] < threshold) + 1
    if len(below) == 0:
        return float(len(curve) - 1)
    k = int(below[0])
    return 0.0 if k == 1 else float(k - 1 + (curve[k - 1] - threshold) / (curve[k - 1] - curve[k]))


def markdown(table: pd.DataFrame, compression_in_depth: float) -> str:
    """-> a table for each density: shells lost against uncompressed, and the floor."""
    lines = []
    for density, rows in table.groupby("density", sort=False):
        whole = rows.iloc[0]
        lines += [
            f"**{density}**: without compression {whole.shell_half_maps:.1f} shells by half maps at 0.143 "
            f"({whole.shell_corrected:.1f} corrected for the mask), {whole.shell_to_truth:.1f} to the truth at 0.5.",
            "",
            "| masks | C (dof) | half maps | corrected | to truth | lowest FSC | below floor (beyond chance) |",
            "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
        ]
        for _, row in rows.iloc[1:].sort_values(["masks", "compression"], kind="stable").iterrows():
            lost = [f"{row[name] - whole[name]:+.1f}" for name in ("shell_half_maps", "shell_corrected", "shell_to_truth")]
            pilot = f", pilot {int(row.pilot)}" if row.masks == "designed" and row.compression == compression_in_depth else ""
            floor = f"{row.lowest_fsc:.2f} | {row.below_floor} ({row.below_floor_beyond_chance})"
            lines.append(f"| {row.masks}{pilot} | {row.compression_dof:.2f} | {' | '.join(lost)} | {floor} |")
        lines.append("")
    return "\n".join(lines)


def draw(table: pd.DataFrame, path: Path) -> None:
    """Write a PNG: shells that are resolved against compression, a column per density, a row per measure."""
    counts = table[table["masks"] == "flat"].groupby("density", sort=False).size()
    densities = list((counts[counts > 1] if (counts > 1).any() else counts).index)
    figure = Figure(figsize=(4.4 * len(densities), 9.5), layout="constrained")
    panels = figure.subplots(len(MEASURES), len(densities), sharex=True, squeeze=False)
    for column, density in enumerate(densities):
        rows = table[table["density"] == density]
        for row, (measure, label) in enumerate(MEASURES.items()):
            axes, whole = panels[row, column], float(rows.iloc[0][measure])
            axes.axhspan(whole - 1, whole, color="tab:grey", alpha=0.25, label="uncompressed, and one shell less")
            for kind, (colour, style) in STYLES.items():
                chosen = rows[(rows["masks"] == kind) & (kind != "uncompressed")]
                first = chosen[chosen["pilot"].isna() | (chosen["pilot"] == chosen["pilot"].min())]
                if len(chosen):
                    axes.plot(first["compression_dof"], first[measure], style, color=colour, label=kind, markersize=5)
                others = chosen.drop(first.index)
                axes.plot(others["compression_dof"], others[measure], "o", color=colour, alpha=0.4, markersize=5)
            for kind, marker, colour in (
                ("designed, corrected", "^", "tab:green"), ("designed from all", "*", "tab:blue"),
                ("designed, shared", "x", "tab:blue"), ("flat, shared", "x", "tab:red"),
            ):  # fmt: skip
                one = rows[rows["masks"] == kind]
                axes.plot(one["compression_dof"], one[measure], marker, color=colour, label=kind, markersize=9)
            axes.set(ylim=(0, 24.5), ylabel=f"shells ({label})" if column == 0 else None)
            axes.grid(alpha=0.3)
        panels[0, column].set_title(density)
        panels[-1, column].set_xlabel("compression (dof)")
    panels[0, -1].legend(fontsize=8, loc="lower right")
    figure.savefig(path, dpi=110)
