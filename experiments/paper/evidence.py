"""Rows of all sets of runs, named."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pandas as pd

from cryosense.reporting.tables.collect import NoRunError, collect
from cryosense.reporting.tables.summary import METHOD, OPERATOR

JUDGED = ["lpips", "ssim", "psnr", "lpips_clean", "ssim_clean", "psnr_clean", "correlation_clean", "frc_area_clean"]
MOST_NAMED = 10


def read(outputs: Path, sets: list[str]) -> tuple[pd.DataFrame, list[str]]:
    """-> all rows with their ``set``, and in words every cell that a sweep names and that is not there.

    Cells of one set that another has made as well are counted once, in the first of ``sets`` that has them.
    """
    parts, missing = [], []
    for name in sets:
        if not (outputs / name).is_dir():
            missing.append(f"{name}: not run")
            continue
        try:
            collected = collect(outputs / name)
        except NoRunError:
            missing.append(f"{name}: no run is finished")
            continue
        missing += _in_words(name, collected.left_out)
        parts.append(collected.rows.assign(set=name))
    if not parts:
        raise SystemExit(f"{outputs}: no finished run in {', '.join(sets)}; start run.py first")
    rows = pd.concat(parts, ignore_index=True)
    return rows[~rows.duplicated(["run_id", "particle"])].reset_index(drop=True), missing


def _in_words(name: str, left_out: tuple[tuple[Path, str], ...]) -> list[str]:
    """-> every cell that is missing where these are few, else how many for each reason."""
    if len(left_out) <= MOST_NAMED:
        return [f"{name}/{run.name}: {reason}" for run, reason in left_out]
    reasons = Counter(reason.partition(":")[0] for _, reason in left_out)
    return [f"{name}: {count} cells {reason}" for reason, count in reasons.items()]


def named(rows: pd.DataFrame, weights: dict[str, list[str]]) -> pd.DataFrame:
    """Rows -> the same with ``domain``, ``family``, ``method``, ``weights`` (chosen for what) and ``operator_number``.

    A constant image has no correlation with anything; it counts as 0, as in the area under its ring correlation, and is not
    left out: who returns nothing would else be better off for it. ``compression_dof`` becomes that of the operator, the one
    that the pseudo-inverse has; cropping and quantising, which have one of their own, keep it in ``own_dof``.
    """
    chosen_for = {name: title for title, names in weights.items() for name in names}
    constant = rows["correlation_clean"].isna() & rows["frc_area_clean"].notna()
    block = "K = " + rows["block_size"].map("{:.0f}".format)
    convention = rows["symmetric"].eq(False).map({True: ", the paper's", False: ""})
    rows = rows.assign(
        correlation_clean=rows["correlation_clean"].mask(constant, 0.0),
        weights=rows["set"].map(chosen_for).fillna("PSNR to noisy"),
        domain=rows["operator"] + convention,
        family=block.where(rows["block_size"].notna(), rows["masks"] + convention),
        method=[_method(*row) for row in zip(rows["reconstructor"], rows["prior"], rows["samples"], strict=True)],
        noise_sigma=rows["noise_sigma"].fillna(0.0),
        own_dof=rows["compression_dof"],
    )
    operators = ["data", "family", "compression_nominal", "noise_sigma", "seed"]
    own = ~rows["reconstructor"].isin(["fourier_crop", "quantised"])
    dof = rows[own].groupby(operators)["compression_dof"].median().rename("dof")
    rows = rows.join(dof, on=operators)
    return rows.assign(
        compression_dof=rows["dof"].fillna(rows["own_dof"]), operator_number=rows.groupby(operators).ngroup()
    ).drop(columns="dof")


def _method(reconstructor: str, prior: object, samples: float) -> str:
    if reconstructor != "posterior":
        return reconstructor
    return str(prior) if samples == 1 else f"{prior}, mean of {samples:.0f}"


def compact(lines: pd.DataFrame) -> pd.DataFrame:
    """Lines of summaries -> the columns that are committed, numbers short: scores with intervals, operators and methods."""
    scores = [f"{score}{end}" for score in JUDGED for end in ("", "_low", "_high")]
    operators = [name for name in OPERATOR if name not in {"noise_placement"}]
    kept = ["weights_for", *operators, "compression_dof", *METHOD, "images", "runs", *scores]
    table = lines[kept].copy()
    for name in [*scores, "compression_nominal", "compression_dof", "weight"]:
        digits = 2 if name.startswith("psnr") or name.startswith("compression") else 4
        table[name] = table[name].round(digits)
    return table
