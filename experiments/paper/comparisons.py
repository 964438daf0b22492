"""Kinds of priors against each other and against no prior, on the same images: differences with intervals, and verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

import pandas as pd
from evidence import JUDGED

from cryosense.reporting.scores import LOWER_IS_BETTER
from cryosense.reporting.tables.intervals import grouped_mean_intervals

HOLDS, FAILS, TIE, OPEN = "holds", "does not hold", "tie", "cannot be told"
SIGN = pd.Series({score: -1.0 if score in LOWER_IS_BETTER else 1.0 for score in JUDGED})
COUNTED = {"nominal": "compression_nominal", "dof": "compression_dof"}
Frames = dict[str, pd.DataFrame]


class Found(NamedTuple):
    """A mean over operators and images with its interval; positive: in favour of the first."""

    gain: float
    low: float
    high: float


class Compared(NamedTuple):
    """What :func:`kinds` gives for one choice of weights, and the operators by number."""

    frames: Frames
    operators: pd.DataFrame
    weights: str

    @classmethod
    def of(cls, rows: pd.DataFrame, config: dict[str, Any], weights: str) -> Compared:
        """Rows of one data set -> what is compared."""
        operators = rows.drop_duplicates("operator_number").set_index("operator_number")
        return cls(kinds(rows, config, weights), operators, weights)


def kinds(rows: pd.DataFrame, config: dict[str, Any], weights: str) -> Frames:
    """Rows of one data set -> for ``sparse``, ``generative``, ``pinv``: (operator, image) x scores, larger is better.

    Sparse priors are those whose weights were chosen for ``weights``; the others have none. Images held back are not in it:
    on these, the best sparse prior is chosen, for every operator and score.
    """
    rows = rows.assign(**{score: rows[score] * SIGN[score] for score in JUDGED})
    sparse = rows[rows["method"].isin(config["sparse"]) & (rows["weights"] == weights)]
    plain = rows[~rows["held_back"] & ~rows["method"].isin(config["sparse"])]
    others = {name: plain[plain["method"] == method] for name, method in _plain(config).items()}
    frames = {name: group.groupby(["operator_number", "particle"])[JUDGED].mean() for name, group in others.items()}
    learned = sparse[sparse["held_back"]].groupby(["operator_number", "method"])[JUDGED].mean()
    complete = learned.groupby("operator_number").size() == len(config["sparse"])
    scored = sparse[~sparse["held_back"]].set_index(["operator_number", "method", "particle"])[JUDGED]
    chosen = []
    for score in JUDGED:
        best = learned[score].unstack("method")[complete].idxmax(axis=1)
        keys = pd.MultiIndex.from_arrays([best.index, best.to_numpy()], names=["operator_number", "method"])
        few = scored[score].reset_index("particle").join(pd.DataFrame(index=keys), how="inner")
        chosen.append(few.droplevel("method").set_index("particle", append=True)[score])
    return frames | {"sparse": pd.concat(chosen, axis=1)}


def _plain(config: dict[str, Any]) -> dict[str, str]:
    return {"generative": config["generative"], "pinv": "pinv"}


def judged(difference: pd.DataFrame, config: dict[str, Any]) -> list[tuple[str, Found]]:
    """(operator, image) x scores -> per score the mean over operators of each image, then over images, with its interval."""
    by_image = difference.groupby("particle").mean()
    return list(zip(JUDGED, _intervals([by_image], config)[0], strict=True))


def _intervals(frames: list[pd.DataFrame], config: dict[str, Any]) -> list[list[Found]]:
    values = [frame.to_numpy(float) for frame in frames]
    means = grouped_mean_intervals(values, resamples=config["resamples"], level=config["level"], seed=0)
    return [[Found(*map(float, ends)) for ends in zip(*each, strict=True)] for each in means]


def verdict(found: Found, margin: float) -> str:
    """-> a tie where the interval is within the margin, else who is ahead where it excludes zero, else that it is open."""
    if -margin < found.low and found.high < margin:
        return TIE
    if found.low > 0:
        return HOLDS
    return FAILS if found.high < 0 else OPEN


def tally(difference: pd.DataFrame, config: dict[str, Any]) -> dict[str, str]:
    """(operator, image) x scores -> per score on how many operators the first is ahead, ties or cannot be told, is behind."""
    if difference.empty:
        return {}
    frames = [group for _, group in difference.groupby("operator_number")]
    words = [
        [verdict(found, config["margins"][score]) for score, found in zip(JUDGED, line, strict=True)]
        for line in _intervals(frames, config)
    ]
    counts = {score: [line[i] for line in words] for i, score in enumerate(JUDGED)}
    return {s: f"{w.count(HOLDS)}/{w.count(TIE) + w.count(OPEN)}/{w.count(FAILS)}" for s, w in counts.items()}


def compared(found: Compared, config: dict[str, Any], claim: dict[str, Any]) -> Iterator[dict[str, object]]:
    """-> lines of one claim about kinds, by nominal and by dof compression, for each noise: a line for each score."""
    frames, operators, weights = found
    better = claim["better"]
    other = "generative" if better == "sparse" else "sparse"
    for counted, column in COUNTED.items():
        for noise in sorted(operators["noise_sigma"].unique()):
            inside = operators[column].between(claim["above"] * (1 + 1e-3), claim["up_to"] * (1 + 1e-9))
            few = operators.index[inside & (operators["domain"] == claim["domain"]) & (operators["noise_sigma"] == noise)]
            parts = {name: frame[frame.index.get_level_values(0).isin(few)] for name, frame in frames.items()}
            difference = (parts[better] - parts[other]).dropna(how="all")
            if difference.empty:
                continue
            there = difference.index
            beside = dict(judged((parts[better].loc[there] - parts["pinv"].reindex(there)).dropna(how="all"), config))
            counts = tally(difference, config)
            for score, gain in judged(difference, config):
                margin = config["margins"][score]
                yield {
                    "claim": claim["claim"], "counted": counted, "noise": noise, "weights": weights, "score": score,
                    "operators": difference.index.get_level_values(0).nunique(),
                    "images": difference.index.get_level_values("particle").nunique(),
                    "first": better, "second": other, **gain._asdict(), "verdict": verdict(gain, margin),
                    "operators_for_tie_against": counts[score],
                    "gain_on_pinv": beside[score].gain, "gain_on_pinv_low": beside[score].low,
                    "gain_on_pinv_high": beside[score].high, "beats_pinv": verdict(beside[score], margin),
                }  # fmt: skip


def lost(found: Compared, config: dict[str, Any], claim: dict[str, Any]) -> Iterator[dict[str, object]]:
    """-> lines of one claim about loss with compression, in images: one for each domain, method and score, noise not added."""
    (frames, operators, weights), losses = found, config["losses"]
    operators = operators[operators["noise_sigma"] == 0]
    names = {"pinv": "pinv", "sparse": "sparse", "ddpm": "generative"}
    for domain, (counted, column) in product(config["domains"], COUNTED.items()):
        pairs = list(_pairs(operators[operators["domain"] == domain], column, claim, config["maps"]["near"]))
        for method in losses["methods"]:
            frame = frames[names[method]]
            known = set(frame.index.get_level_values(0))
            parts = [frame.loc[at] - frame.loc[before] for at, before in pairs if {at, before} <= known]
            if not parts or (method != "sparse" and weights != "PSNR to noisy"):
                continue
            gains = dict(judged(pd.concat(parts, keys=range(len(parts)), names=["operator_number"]), config))
            for score in losses["scores"]:
                yield {
                    "claim": claim["claim"], "domain": domain, "counted": counted, "noise": 0.0, "weights": weights,
                    "score": score, "operators": len(parts), "images": parts[0].index.nunique(), "first": method,
                    "second": f"itself at C = {claim['reference']:g}", **gains[score]._asdict(),
                    "verdict": kept(gains[score], config["margins"][score], keeps=claim["keeps"]),
                }  # fmt: skip


def _pairs(operators: pd.DataFrame, column: str, claim: dict[str, Any], near: float) -> Iterator[tuple[int, int]]:
    """-> of each mask family the operators nearest to the compression and to the reference, where both are near enough."""
    for _, family in operators.groupby("family", sort=False):
        nearest = []
        for wanted in (claim["compression"], claim["reference"]):
            off = (family[column] / wanted - 1).abs()
            nearest += [off.idxmin()] if off.min() <= near else []
        if len(nearest) == 2:
            yield nearest[0], nearest[1]


def kept(found: Found, margin: float, *, keeps: bool) -> str:
    """-> whether a difference to less compression is as claimed: no loss beyond the margin, or one."""
    if found.low > -margin:
        return HOLDS if keeps else FAILS
    if found.high < -margin:
        return FAILS if keeps else HOLDS
    return OPEN
