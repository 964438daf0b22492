"""What one cell of methods.py shows: shells that are resolved, shells lost against no compression, equivalent particles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Protocol

import pandas as pd
from design_findings import shell_below

# A curve and its threshold for each measure of resolution. ``cross``: see :func:`measured`.
MEASURES = {
    "half_maps": ("unmasked", 0.143),
    "corrected": ("corrected", 0.143),
    "to_truth": ("to_reference", 0.5),
    "cross": ("cross", 0.143),
}


class Described(Protocol):
    """What a row says of its cell."""

    density: str
    masks: str
    method: str
    compression: float
    shared: bool


def finding(cell: Described, directory: Path, uncompressed: Path) -> dict[str, object]:
    """-> a row: shells (fractions between shells) resolved, lost against no compression, and what the particles are worth."""
    maps = directory / "maps"
    curves, curves_whole = pd.read_csv(maps / "fsc.csv"), pd.read_csv(uncompressed / "fsc.csv")
    shells, whole = measured(curves), measured(curves_whole)
    # Both under the same soft sphere, which the uncompressed run did not know of.
    whole["cross"] = shell_below(curves["uncompressed"], 0.143)
    summary = json.loads((maps / "done.json").read_text())
    worth = {f"worth_{name}": number for name, number in summary["equivalent_particles"].items()}
    return {
        **{name: getattr(cell, name) for name in ("density", "masks", "method", "shared", "compression")},
        "compression_dof": summary["compression_dof"],
        **images_made(directory),
        **{f"uncompressed_{name}": whole[name] for name in MEASURES},
        **{f"lost_{name}": whole[name] - shells[name] for name in MEASURES},
        **{name: None if number is None else number / summary["particles"] for name, number in worth.items()},
        "curve_half_maps": in_words(curves["unmasked"]),
        "curve_to_truth": in_words(curves["to_reference"]),
        "curve_uncompressed": in_words(curves_whole["unmasked"]),
    }


def in_words(curve: pd.Series) -> str:
    """-> shells 1 and on."""
    return " ".join(f"{value:.2f}" for value in curve[1:])


def measured(curves: pd.DataFrame) -> dict[str, float]:
    """-> the shell at which each curve that is there first falls below its threshold.

    ``cross`` is the half-map FSC that the cross-FSC implies, ``cross^2 / uncompressed``: what halves have in common beyond
    the particles is not in it.
    """
    if "cross_half1" in curves:
        mean = (curves["cross_half1"] + curves["cross_half2"]) / 2
        curves = curves.assign(cross=mean.clip(lower=0) ** 2 / curves["uncompressed"].clip(lower=1e-3))
    return {name: shell_below(curves[curve], at) for name, (curve, at) in MEASURES.items() if curve in curves}


def images_made(directory: Path) -> dict[str, object]:
    """-> of a cell that made images: compression, seconds per image, how the weight was chosen; else nothing."""
    paths = list(directory.glob("*/rows.parquet"))
    if not paths:
        return {}
    (path,) = paths
    rows = pd.read_parquet(path)
    weight = json.loads((path.parent / "fit.json").read_text())["weight"] or {}
    return {
        "compression_nominal": rows["compression_nominal"].iloc[0],
        "compression_dof": 1 / (1 / rows["compression_dof"]).mean(),
        "seconds_per_image": rows["seconds"].mean(),
        "weight_target": weight.get("target"),
        "weight": weight.get("chosen"),
        "weight_at_end_of_grid": weight.get("at_end_of_grid"),
    }
