"""What a finished run says about itself: its scores in a line, and which files to look at."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from cryosense.metrics.score_table import SCORES, Against, Score, Shown

TO = {Against.MEASURED: "the measured image", Against.CLEAN: "the clean one"}


def run_in_words(directory: Path, *, skipped: bool) -> str:
    """Return lines: means over the particles that are counted, against what; the images; the table and the picture."""
    rows = pd.read_parquet(directory / "rows.parquet")
    counted = rows[rows["held_back"].ne(True)]
    means = [
        f"{', '.join(_mean(counted, name) for name in names)} to {TO[against]}"
        for against in TO
        if (names := [each for each in SCORES if each.against is against and _is_told(each, counted)])
    ]
    state = "skipped, it is done already; " if skipped else ""
    lines = [f"{state}{len(counted)} particles: {'; '.join(means)}" if means else f"{state}{len(rows)} particles, not scored"]
    lines += [f"images of {len(rows)} particles, for RELION: {path}" for path in _there(directory, "particles.star")]
    return "\n".join([*lines, f"look at {', '.join(_there(directory, 'rows.parquet', 'example.png'))}"])


def _there(directory: Path, *names: str) -> list[str]:
    return [str(directory / name) for name in names if (directory / name).is_file()]


def _is_told(score: Score, rows: pd.DataFrame) -> bool:
    return Shown.TERMINAL in score.shown and bool(rows[score.name].notna().any())


def _mean(rows: pd.DataFrame, score: Score) -> str:
    unit = f" {score.unit}" if score.unit else ""
    return f"{score.name.removesuffix('_clean')} {rows[score.name].mean():.{score.decimals}f}{unit}"
