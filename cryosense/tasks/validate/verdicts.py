"""Pass or fail: whether curves in which there is nothing to find are within chance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd
import torch

from cryosense.metrics.chance import chance_test

CHAINS = ("compressed", "uncompressed")
CURVES = {"to truth": "full map to truth", "half maps": "half maps"}


class Verdict(NamedTuple):
    """One check: chance's verdict on shells ``first_shell`` to ``last_shell`` of one curve."""

    images: str
    chain: str
    curve: str
    first_shell: int
    last_shell: int
    beyond: int
    mean_fsc: float
    trend: float
    largest: float
    p_value: float
    passed: bool


def verdicts(curves: pd.DataFrame, first_shells: Mapping[str, int], significance: float) -> list[Verdict]:
    """Return a verdict on each column ``<images>, <chain>, <curve>`` from the first shell that is empty for those images.

    For uncompressed images it is the criterion itself that is checked.
    """
    found = []
    for images, first in first_shells.items():
        for chain in CHAINS:
            for curve in CURVES:
                values = torch.tensor(curves[f"{images}, {chain}, {curve}"].to_numpy())
                test = chance_test(values, first)
                last = first + test.shells - 1
                mean = float(values[first : last + 1].mean())
                passed = test.p_value >= significance
                numbers = test.beyond, mean, test.trend, test.largest, test.p_value
                found.append(Verdict(images, chain, curve, first, last, *numbers, passed))
    return found


def verdict_table(found: list[Verdict], significance: float) -> str:
    """Return the checks as a Markdown table, with what decides them."""
    lines = [
        "| images | chain | FSC | shells | beyond 2 deviations | largest | mean | p | |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for row in found:
        shells = f"{row.first_shell}-{row.last_shell} | {row.beyond} of {row.last_shell - row.first_shell + 1}"
        verdict = "pass" if row.passed else "FAIL"
        what = f"{row.images} | {row.chain} | {CURVES[row.curve]}"
        lines.append(f"| {what} | {shells} | {row.largest:.1f} | {row.mean_fsc:+.4f} | {row.p_value:.2g} | {verdict} |")
    lines += [
        "",
        f"FAIL: chance alone has a probability below {significance:g}, by the number of shells beyond two standard deviations",
        "(one is 1 / sqrt(4 pi k^2) in shell k), by their sum or by the largest. noise: white noise in place of each image;",
        "randomised: particles with random phases beyond the cutoff. What is found in either is invented. Half maps that fail",
        "where the map to the truth passes share what is not in the particles: masks, or a prior. uncompressed: the same",
        "images without measurement, where only the criterion can fail.",
    ]
    return "\n".join(lines) + "\n"
