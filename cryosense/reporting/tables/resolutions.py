"""Resolutions of a map in words: one line for each curve, one column for each threshold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from cryosense.files.tables import reading

CURVES = {
    "unmasked": "unmasked",
    "masked": "masked",
    "phase_randomised": "masked, phases randomised",
    "corrected": "corrected",
    "to_reference": "full map to reference, unmasked",
    "to_model": "full map to atomic model, unmasked",
    "cross_half1": "half map 1 to uncompressed half map 2, in a sphere",
    "cross_half2": "half map 2 to uncompressed half map 1, in a sphere",
    "uncompressed": "uncompressed half maps, in a sphere",
}


def reading_between(row: Mapping[Any, Any]) -> str:
    """Return what a row of ``resolution.csv`` says, with its interval if it has one."""
    words = reading(row["resolution_angstrom"], at_nyquist=row["at_nyquist"])
    if math.isnan(row["interval_low_angstrom"]):
        return words
    low, high = (reading(row[f"interval_{end}_angstrom"], at_nyquist=False) for end in ("low", "high"))
    return f"{words} ({low} to {high})"


def resolutions_text(table: pd.DataFrame) -> str:
    """Return ``resolution.csv`` as lines of text."""
    thresholds = list(dict.fromkeys(table["threshold"]))
    lines = [["resolution", *(f"where the FSC falls to {each:g}" for each in thresholds)]]
    for curve, rows in table.groupby("curve", sort=False):
        by_threshold = {row["threshold"]: reading_between(row) for row in rows.to_dict("records")}
        lines.append([CURVES.get(str(curve), str(curve)), *(by_threshold.get(each, "") for each in thresholds)])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))])
        for line in lines
    )
