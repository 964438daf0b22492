"""The paper's printed values and its advice, from ``published.yaml`` beside this file."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import pandas as pd
import yaml

from cryosense.reporting.scores import OF_THE_PAPER

CELL = ["operator", "masks", "block_size", "symmetric", "compression_nominal"]


@cache
def _published() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(files("cryosense.reporting.tables").joinpath("published.yaml").read_text())
    return content


def source() -> str:
    """Return where the values are printed."""
    return str(_published()["source"])


def published_scores(lines: pd.DataFrame) -> pd.DataFrame:
    """Return ``published_lpips`` and ``published_ssim`` for each line of a summary, NaN where the paper has no such cell.

    A cell is the paper's if its operator and its prior are, and it has no added noise.
    """
    known = {
        (_key(cell["operator"]), prior, score): value
        for cell in _published()["cells"]
        for prior, scores in cell.items()
        if prior != "operator"
        for score, value in scores.items()
    }
    found = []
    for line in lines.to_dict("records"):
        clean = pd.isna(line["noise_sigma"]) or line["noise_sigma"] == 0
        found.append([known.get((_key(line), line["prior"], score)) if clean else None for score in OF_THE_PAPER])
    return pd.DataFrame(found, index=lines.index, columns=[f"published_{score}" for score in OF_THE_PAPER], dtype=float)


def advised_kinds(operator: str, compression: float) -> set[str]:
    """Return which of ``sparse`` and ``generative`` priors the paper recommends for a domain and a nominal compression."""
    return {
        str(rule["kind"])
        for rule in _published()["guidance"]
        if rule["operator"] in {None, operator} and compression > rule["compression_above"]
    }


def _key(cell: dict[Any, Any]) -> tuple[object, ...]:
    """Return what makes two cells the same; compression to six digits, since it is a quotient of integers."""
    values = [None if pd.isna(cell[name]) else cell[name] for name in CELL]
    return tuple(round(float(value), 6) if isinstance(value, int | float) else value for value in values)
