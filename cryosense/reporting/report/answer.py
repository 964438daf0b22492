"""What a report begins with: what to use, what it costs, and what would do without it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from cryosense.metrics.score_table import SCORES, Score
from cryosense.reporting.report.markup import Markup, element, joined, table_of
from cryosense.reporting.style import method_words
from cryosense.reporting.tables.formats import operator_label
from cryosense.reporting.tables.map_lines import EQUIVALENT, UNCOMPRESSED, images_words
from cryosense.reporting.tables.summary import BASELINE, OPERATOR, base_name

MOST = 8  # operators, or maps; the tables have all
# What is asked, and the scores that answer it: of the first that is known.
QUESTIONS = {
    "closest to the clean image": ("correlation_clean", "psnr_clean"),
    "closest to the recorded image": ("psnr", "ssim"),
}
BESIDE = {question: f"beside it, {question.removeprefix('closest to ')}" for question in QUESTIONS}
DULL = (BASELINE, "fourier_crop")  # no prior, and as many of the lowest frequencies in place of masks
BY_NAME = {score.name: score for score in SCORES}
READ = (
    "In brackets: bootstrap intervals over images. Beside the best of each operator stand no prior and as many of the lowest "
    "frequencies, or the next best where it is one of these. The recorded image is mostly noise; so is what is closest to it."
)


def answer(lines: pd.DataFrame | None, maps: pd.DataFrame) -> Markup:
    """Return what each operator spends and which method comes closest, of lines of a summary, if any; what maps are worth."""
    parts = [] if lines is None else list(_of_lines(lines))
    said = [element("li", each) for each in _of_maps(maps)]
    return joined([*parts, element("ul", *said)] if said else parts)


def _of_lines(lines: pd.DataFrame) -> Iterator[Markup]:
    groups = [group for _, group in lines.groupby(OPERATOR, dropna=False, sort=False)]
    rows = [_of_operator(group, several=lines["data"].nunique() > 1) for group in groups[:MOST]]
    known = [name for name in rows[0] if any(row[name] for row in rows)]
    yield element("div", table_of([{name: row[name] for name in known} for row in rows]), class_="words")
    cut = f" The first {MOST} of {len(groups)} operators; all are in the tables." if len(groups) > MOST else ""
    yield element("p", READ + cut, class_="soft")


def _of_operator(lines: pd.DataFrame, *, several: bool) -> dict[str, str]:
    first = lines.iloc[0]
    own = lines[lines["reconstructor"] == BASELINE]
    spent = own.iloc[0] if len(own) else first
    bits = f", {spent['bits_per_image']:,.0f} bits an image" if pd.notna(spent["bits_per_image"]) else ""
    row = {
        "measured by": f"{first['data']}: {operator_label(first)}" if several else operator_label(first),
        "spends": f"{spent['compression_dof']:.2f} times fewer numbers than pixels{bits}",
    }
    for question, scores in QUESTIONS.items():
        known = [BY_NAME[name] for name in scores if name in lines and lines[name].notna().any()]
        row |= _closest(lines, known[0], question) if known else {question: "", BESIDE[question]: ""}
    return row


def _closest(lines: pd.DataFrame, score: Score, question: str) -> dict[str, str]:
    scored = lines[lines[score.name].notna()].sort_values(score.name, ascending=not score.higher_is_better, kind="stable")
    best, others = scored.iloc[0], scored.iloc[1:]
    dull = others[others["reconstructor"].map(base_name).isin(DULL)]
    beside = others.iloc[:1] if base_name(best["reconstructor"]) in DULL else dull
    seconds = "" if pd.isna(best["seconds"]) else f"; {_time(float(best['seconds']))} an image"
    return {
        question: f"{method_words(best)}: {_value(best, score)}{seconds}",
        BESIDE[question]: "; ".join(f"{method_words(each)}: {_value(each, score)}" for _, each in beside.iterrows()),
    }


def _value(line: pd.Series, score: Score) -> str:
    title, unit = score.name.removesuffix("_clean"), f" {score.unit}" if score.unit else ""
    low, high = (line.get(f"{score.name}{end}") for end in ("_low", "_high"))
    interval = "" if pd.isna(low) else f" [{low:.{score.decimals}f}, {high:.{score.decimals}f}]"
    return f"{title} {line[score.name]:.{score.decimals}f}{interval}{unit}"


def _time(seconds: float) -> str:
    return f"{1e3 * seconds:.2g} ms" if seconds < 1 else f"{seconds:.2g} s"


def _of_maps(maps: pd.DataFrame) -> Iterator[str]:
    if EQUIVALENT not in maps or "reconstructor" not in maps:
        return
    made = maps[(maps["reconstructor"] != UNCOMPRESSED) & np.isfinite(maps[EQUIVALENT].astype(float))]
    for _, line in made.sort_values(EQUIVALENT, ascending=False).head(MOST).iterrows():
        share = f"{line[EQUIVALENT] / line['particles']:.0%}" if line["particles"] else "0 %"
        told = f"The map {line['maps']} ({images_words(line)})"
        yield f"{told} is worth {share} of its {line['particles']} particles, uncompressed."
