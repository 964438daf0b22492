"""How scores are shown: which where, in which order and how written, all of it derived from ``SCORES``."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from cryosense.metrics.score_table import CLEAN, SCORES, Against, Score, Shown

NAMES = [score.name for score in SCORES]
LOWER_IS_BETTER = {score.name for score in SCORES if not score.higher_is_better}
COMPARED = [score.name for score in SCORES if score.compared]
TITLES = {score.name: str(score) for score in SCORES}
DECIMALS = {score.name: score.decimals for score in SCORES}
OF_THE_PAPER = ("lpips", "ssim")


def shown(where: Shown) -> list[str]:
    """Return the names of the scores that are shown there, in the order of the table."""
    return [score.name for score in SCORES if where in score.shown]


def in_paper_order(names: list[str]) -> list[str]:
    """Return the names with the paper's scores first, in its order, then the others; those against the clean image last."""
    place = {name: number for number, name in enumerate(OF_THE_PAPER)}
    against_clean = {score.name for score in SCORES if score.against is Against.CLEAN}
    return sorted(names, key=lambda name: (name in against_clean, place.get(name.removesuffix(CLEAN), len(place))))


def picture_words(row: pd.Series) -> list[str]:
    """Return the scores of an image that its title shows, in words, one digit shorter; unknown ones are left out."""
    drawn = [score for score in SCORES if Shown.PICTURES in score.shown and pd.notna(row[score.name])]
    return [_short(score, float(row[score.name])) for score in drawn]


def picture_legend(rows: Sequence[pd.Series]) -> str:
    """Return what the scores in the titles of images with these rows are against."""
    shown = [score for score in SCORES if Shown.PICTURES in score.shown and any(pd.notna(row[score.name]) for row in rows)]
    drawn = {against: [_word(score) for score in shown if score.against is against] for against in Against}
    words = [f"{_listed(drawn[Against.MEASURED])} against the image as measured"] if drawn[Against.MEASURED] else []
    words += [f"{_listed(drawn[Against.CLEAN])} with the clean image"] if drawn[Against.CLEAN] else []
    return ", ".join(words) or "none"


def _word(score: Score) -> str:
    return str(score).removesuffix(CLEAN)


def _short(score: Score, value: float) -> str:
    number = f"{value:.{score.decimals - 1}f}"
    return f"{number} {score.unit}" if score.unit else f"{_word(score)} {number}"


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
