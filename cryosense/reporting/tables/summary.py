"""One line per operator and method: means over images with intervals, and the paired difference to the pseudo-inverse."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cryosense.reporting.scores import COMPARED, LOWER_IS_BETTER, NAMES
from cryosense.reporting.tables.intervals import grouped_mean_intervals

OPERATOR = ["data", "operator", "masks", "block_size", "symmetric", "compression_nominal"]
OPERATOR += ["noise_sigma", "noise_placement", "quantiser"]
METHOD = ["reconstructor", "prior", "weight", "sampler", "samples", "nfe"]
PLAIN_MEANS = ["compression_dof", "bits_per_image", "bytes_per_particle", "iterations", "gap", "seconds"]
BASELINE = "pinv"
# Decibels, or a score between 0 and 1: methods whose answers differ by rounding alone (pinv and zero filling, say) must tie.
ROUNDING = 1e-4
NATURAL_ORDER = ["zero_filled", "fourier_crop", "quantised", BASELINE, "wiener", "dct", "wavelet", "tv"]
NATURAL_ORDER += ["unrolled", "learned_posterior", "posterior"]


def difference_column(score: str) -> str:
    """Return the name of the column that holds the paired difference of a score to the pseudo-inverse."""
    return f"d_{score}_vs_{BASELINE}"


def verdict_column(score: str) -> str:
    """Return the name of the column that says whether the method beats the pseudo-inverse in a score: yes, no, or tie."""
    return f"{score}_beats_{BASELINE}"


def summarise(rows: pd.DataFrame, *, resamples: int, level: float, seed: int) -> pd.DataFrame:
    """Return one line per operator and method, operators together, methods in natural order.

    Each score ``s`` has columns ``s``, ``s_low``, ``s_high``: mean over images and its bootstrap interval. Several runs of one
    line (seeds, shards) are averaged per image first, so an image counts once. Differences to the pseudo-inverse are taken on
    the same operator, image and seed. The line's ``compression_dof`` is the mean over its rows, since it differs between mask
    draws.
    """
    rows = rows[rows["held_back"].ne(True)]
    frame = rows.assign(line=rows.groupby([*OPERATOR, *METHOD], dropna=False).ngroup())
    values = _with_differences(frame)
    columns = [*NAMES, *map(difference_column, COMPARED)]
    per_image = values.groupby(["line", "particle"])[[*columns, *PLAIN_MEANS]].mean()
    lines = frame.groupby("line").agg(
        dict.fromkeys([*OPERATOR, *METHOD], "first") | {"particle": "nunique", "run_id": "nunique"}
    )
    lines = lines.rename(columns={"particle": "images", "run_id": "runs"})
    means = _means(per_image[columns], resamples, level, seed)
    plain = per_image[PLAIN_MEANS].groupby("line").mean()
    return in_order(_with_verdicts(lines.join(plain).join(means)))


def _means(per_image: pd.DataFrame, resamples: int, level: float, seed: int) -> pd.DataFrame:
    """Return for each line and score ``s`` the columns ``s``, ``s_low``, ``s_high``, from scores by line and particle."""
    groups = {line: images.to_numpy(float) for line, images in per_image.groupby("line")}
    means = grouped_mean_intervals(list(groups.values()), resamples=resamples, level=level, seed=seed)
    columns = [f"{name}{end}" for name in per_image.columns for end in ("", "_low", "_high")]
    return pd.DataFrame([np.stack(each, axis=1).ravel() for each in means], index=pd.Index(groups), columns=columns)


def best(lines: pd.DataFrame, score: str) -> pd.Series:
    """Return whether each line has its operator's best mean in this score, to six digits; false where no line has one.

    A mean over fewer images than others of the operator are over is not compared.
    """
    signed = -lines[score] if score in LOWER_IS_BETTER or score.endswith("_angstrom") else lines[score]
    most = lines["images"].groupby([lines[name] for name in OPERATOR], dropna=False).transform("max")
    signed = signed.where(lines["images"].eq(most))
    top = signed.groupby([lines[name] for name in OPERATOR], dropna=False).transform("max")
    return signed.notna() & ((signed == top) | ((top - signed) <= 1e-6 * top.abs()))


def in_order(lines: pd.DataFrame) -> pd.DataFrame:
    """Return the lines with operators together and methods in their natural order, others behind by name, then by weight."""
    keys = [*OPERATOR, "place", *METHOD]
    ordered = lines.assign(place=natural_place(lines)).sort_values(keys, kind="stable", na_position="first")
    return ordered.drop(columns="place").reset_index(drop=True)


def base_name(reconstructor: str) -> str:
    """Return the name of a method without the settings that ``settings.told_apart`` puts behind it."""
    return reconstructor.partition(" ")[0]


def natural_place(lines: pd.DataFrame) -> pd.Series:
    """Return where the method of each line stands among all methods."""
    rank = {name: i for i, name in enumerate(NATURAL_ORDER)}
    return lines["reconstructor"].map(base_name).map(rank).fillna(lines["prior"].map(rank)).fillna(len(rank))


def _with_differences(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with a group number per operator and the paired differences beside the scores, NaN without a pair."""
    frame = frame.assign(group=frame.groupby(OPERATOR, dropna=False).ngroup())
    keys = ["group", "particle", "seed"]
    baseline = frame[frame["reconstructor"] == BASELINE].groupby(keys)[COMPARED].mean()
    paired = frame[keys].join(baseline, on=keys)
    return frame.assign(**{difference_column(score): frame[score] - paired[score] for score in COMPARED})


def _with_verdicts(lines: pd.DataFrame) -> pd.DataFrame:
    """Return the lines with verdicts: a method beats the pseudo-inverse if its difference's interval is on the better side.

    It ties if that interval reaches zero.
    """
    verdicts = {}
    for score in COMPARED:
        name = difference_column(score)
        ends = lines[[f"{name}_low", f"{name}_high"]].to_numpy(float)
        low, high = (-ends[:, ::-1] if score in LOWER_IS_BETTER else ends).T
        compared = (lines["reconstructor"] != BASELINE).to_numpy() & ~np.isnan(low)
        words = np.select([~compared, low > ROUNDING, high < -ROUNDING], ["", "yes", "no"], "tie")
        verdicts[verdict_column(score)] = pd.Series(words, index=lines.index)
    return lines.assign(**verdicts)
