"""What a report begins with: what to use, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from cryosense.metrics.score_table import SCORES, Score
from cryosense.reporting.report.markup import Markup, element
from cryosense.reporting.style import method_words
from cryosense.reporting.tables.formats import operator_label
from cryosense.reporting.tables.map_lines import EQUIVALENT, UNCOMPRESSED
from cryosense.reporting.tables.summary import BASELINE, OPERATOR

MOST = 8  # operators; the tables have all
# What is asked, and the scores that answer it: of the first that is known.
QUESTIONS = {
    "closest to the clean image": ("correlation_clean", "psnr_clean"),
    "closest to the recorded image": ("psnr", "ssim"),
}
BY_NAME = {score.name: score for score in SCORES}


def answer(lines: pd.DataFrame, maps: pd.DataFrame) -> Markup:
    """Return for each operator what it spends and which method comes closest, of lines of a summary; and the best map."""
    groups = [group for _, group in lines.groupby(OPERATOR, dropna=False, sort=False)]
    said = [element("li", " ".join(_of_operator(group))) for group in groups[:MOST]]
    said += [element("li", each) for each in _of_maps(maps)]
    if len(groups) > MOST:
        said.append(element("li", f"The first {MOST} of {len(groups)} operators; all are in the tables."))
    return element("ul", *said) if said else Markup("")


def _of_operator(lines: pd.DataFrame) -> Iterator[str]:
    first = lines.iloc[0]
    own = lines[lines["reconstructor"] == BASELINE]
    spent = own.iloc[0] if len(own) else first
    yield f"{first['data']}, {operator_label(first)}: {spent['compression_dof']:.2f} times fewer degrees of freedom,"
    yield f"{spent['bits_per_image']:,.0f} bits an image." if pd.notna(spent["bits_per_image"]) else "bits unknown."
    for question, scores in QUESTIONS.items():
        known = [BY_NAME[name] for name in scores if name in lines and lines[name].notna().any()]
        if known:
            yield f"{question[0].upper()}{question[1:]}: {_closest(lines, own, known[0])}."


def _closest(lines: pd.DataFrame, own: pd.DataFrame, score: Score) -> str:
    values = lines[score.name].to_numpy(float)
    best = lines.iloc[int(np.nanargmax(values if score.higher_is_better else -values))]
    compared = f"; pseudo-inverse {own.iloc[0][score.name]:.{score.decimals}f}" if len(own) else ""
    title, unit = score.name.removesuffix("_clean"), f" {score.unit}" if score.unit else ""
    return f"{method_words(best)} ({title} {best[score.name]:.{score.decimals}f}{unit}{compared})"


def _of_maps(maps: pd.DataFrame) -> Iterator[str]:
    if EQUIVALENT not in maps or "reconstructor" not in maps:
        return
    made = maps[(maps["reconstructor"] != UNCOMPRESSED) & maps[EQUIVALENT].notna()]
    if len(made):
        best = made.iloc[int(np.nanargmax(made[EQUIVALENT].to_numpy(float)))]
        yield f"Of the compressed maps {best['maps']} keeps most: it is worth {best[EQUIVALENT]:.0f} uncompressed particles."
