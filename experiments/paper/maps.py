"""What was claimed of maps, from the cells of experiments/resolution_vs_compression."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from comparisons import COUNTED, FAILS, HOLDS, OPEN

SOURCE = Path(__file__).parent.parent / "resolution_vs_compression"


def chance(cells: pd.DataFrame, config: dict[str, Any]) -> dict[str, float]:
    """-> per measure the standard deviation of shells lost in a cell over sets of particles, pooled over cells."""
    known = cells[cells["density"].isin(config["repeated"])]
    groups = known.groupby(["masks", "method", "compression", "shared"])
    return {name: float(np.sqrt(groups[name].var().mean())) for name in config["measures"]}


def verdict(shells: pd.Series, deviation: float, config: dict[str, Any], *, keeps: bool) -> str:
    """-> of all cells of a claim: it holds in all, in none, or in some, with how many; open where chance could decide."""
    end = config["deviations"] * deviation
    words = np.select(
        [shells + end <= config["lost_shells"], shells - end > config["lost_shells"]],
        [HOLDS if keeps else FAILS, FAILS if keeps else HOLDS],
        OPEN,
    )
    if len(set(words)) == 1:
        return str(words[0])
    counts = {word: int((words == word).sum()) for word in (HOLDS, FAILS, OPEN)}
    return ", ".join(f"{word} {count} of {len(words)}" for word, count in counts.items() if count)


def judged(config: dict[str, Any]) -> Iterator[dict[str, object]]:
    """-> a line for each claim, way of counting compression, kind of particles and measure; masks of its own per particle."""
    cells = pd.read_csv(SOURCE / "methods.csv")
    deviations = chance(cells, config)
    cells = cells[~cells["shared"]].assign(pixel=cells["masks"].str.startswith("pixel"))
    cells = cells[cells["masks"] != "variable density"]
    for claim in config["claims"]:
        about = cells[cells["method"].isin(claim["methods"])]
        about = about if claim["pixel"] is None else about[about["pixel"] == claim["pixel"]]
        for counted, column in COUNTED.items():
            near = np.logical_or.reduce([(about[column] / at - 1).abs() <= config["near"] for at in claim["at"]])
            for particles, densities in config["particles"].items():
                yield from _lines(
                    about[near & about["density"].isin(densities)], claim, counted, particles, deviations, config
                )
    yield from _designed(config, deviations)


def _lines(
    cells: pd.DataFrame,
    claim: dict[str, Any],
    counted: str,
    particles: str,
    deviations: dict[str, float],
    config: dict[str, Any],
) -> Iterator[dict[str, object]]:
    for measure, pooled in deviations.items():
        shells, deviation = cells[measure], 0.0 if particles in config["chance_unknown"] else pooled
        yield {
            "claim": claim["claim"], "counted": counted, "particles": particles, "measure": config["measures"][measure],
            "cells": len(cells), "least_lost": shells.min(), "most_lost": shells.max(), "chance": deviation or float("nan"),
            "verdict": verdict(shells, deviation, config, keeps=claim.get("keeps", True)) if len(cells) else "not measured",
        }  # fmt: skip


def _designed(config: dict[str, Any], deviations: dict[str, float]) -> Iterator[dict[str, object]]:
    """Masks designed from a pilot, from the study's other file; nominal and dof compression are the same there."""
    claim = config["designed"]
    cells = pd.read_csv(SOURCE / claim["file"])
    whole = cells[cells["masks"] == "uncompressed"].set_index("density")
    measures = dict(zip(deviations, ("shell_half_maps", "shell_to_truth"), strict=True))
    cells = cells[cells["masks"].isin(["designed"]) & (cells["compression"] > 1)]
    cells = cells.assign(**{name: cells["density"].map(whole[column]) - cells[column] for name, column in measures.items()})
    for at in claim["at"]:
        few = cells[(cells["compression_dof"] / at - 1).abs() <= config["near"]]
        yield from _lines(few, claim | {"claim": f"{claim['claim']} at {at:g}"}, "dof", "all", deviations, config)
