"""Tables in the paper's layout as lines of text and as Markdown."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

from cryosense.files.escapes import markdown
from cryosense.reporting.scores import DECIMALS
from cryosense.reporting.tables.map_lines import EQUIVALENT, RESOLUTIONS
from cryosense.reporting.tables.paper_tables import Cell, Interval, PaperTable
from cryosense.reporting.tables.published import source
from cryosense.reporting.tables.summary import BASELINE, ROUNDING

WORDS = {"yes": "better", "no": "worse", "tie": "tie", "": ""}
MAP_DECIMALS = dict.fromkeys(RESOLUTIONS, 2) | {EQUIVALENT: 0}
DIFFERENCE, PUBLISHED = f"minus {BASELINE}", "in the paper"


class BodyLine(NamedTuple):
    """A line of a table in plain text, nothing escaped; ``below``: whether it belongs to the method in the lines above it."""

    title: str
    words: list[str]
    best: list[bool]
    below: bool


def header_of(table: PaperTable) -> list[str]:
    """Return the titles of the columns."""
    return ["method", *table.columns, "NFE", "s/image"]


def body_of(table: PaperTable) -> list[BodyLine]:
    """Return each method's means and, below, its differences to the pseudo-inverse and the paper's values, where known."""
    decimals = (DECIMALS | MAP_DECIMALS)[table.score]
    body = []
    for row in table.rows:
        nfe = "" if math.isnan(row.nfe) else f"{row.nfe:.0f}"
        seconds = "" if math.isnan(row.seconds) else f"{row.seconds:.2g}"
        best = [cell is not None and cell.best for cell in row.cells]
        body.append(BodyLine(row.method, [*(_mean(cell, decimals) for cell in row.cells), nfe, seconds], best, False))
        below = {
            DIFFERENCE: [_difference(cell, decimals) for cell in row.cells],
            PUBLISHED: [_published(cell) for cell in row.cells],
        }
        none_best = [False] * len(best)
        body += [BodyLine(title, [*words, "", ""], none_best, True) for title, words in below.items() if any(words)]
    return body


def legend(level: float) -> str:
    """Return how the tables are to be read."""
    return (
        f"In brackets: {100 * level:g} % bootstrap intervals over images; bold: the best mean of a column. "
        f"'{DIFFERENCE}': paired difference on the same images; better or worse where its interval excludes zero (and "
        f"{ROUNDING:g} either side, for rounding), else tie. "
        "C is nominal, dof the compression in degrees of freedom, in a cell where the method has another than its column. "
        "Scores are against the image that was measured, *_clean against the image without noise. NFE: network evaluations "
        "per image. Resolutions are of maps that were made of the images, in Å. "
        f"'{PUBLISHED}': {source()}, on its own data, for the same operator and prior."
    )


def paper_markdown(tables: Iterable[PaperTable], level: float) -> str:
    """Return every table with its title, then the legend once."""
    parts = []
    for table in tables:
        rule = ["---", *["---:"] * (len(table.columns) + 2)]
        body = [_marked(line, markdown, "**{}**", "· {}") for line in body_of(table)]
        rows = [[markdown(word) for word in header_of(table)], rule, *body]
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        parts.append("\n".join([f"### {markdown(table.title)}", "", *lines, ""]))
    return "\n".join([*parts, legend(level), ""])


def _marked(line: BodyLine, escaped: Callable[[str], str], bold: str, below: str) -> list[str]:
    """Return the words of a line; only titles come from the user, the others are numbers."""
    title = escaped(line.title)
    marked = [bold.format(word) if top else word for word, top in zip(line.words, line.best, strict=False)]
    return [below.format(title) if line.below else title, *marked, *line.words[len(marked) :]]


def _mean(cell: Cell | None, decimals: int) -> str:
    if cell is None:
        return ""
    own = "" if cell.other_dof is None else f" ({cell.other_dof:.2f} dof)"
    return "none" if math.isinf(cell.mean[0]) else _with_interval(cell.mean, f".{decimals}f") + own


def _difference(cell: Cell | None, decimals: int) -> str:
    if cell is None or not cell.beats_baseline:
        return ""
    return f"{_with_interval(cell.difference, f'+.{decimals}f')} {WORDS[cell.beats_baseline]}"


def _published(cell: Cell | None) -> str:
    return "" if cell is None or math.isnan(cell.published) else f"{cell.published:.2f}"


def _with_interval(interval: Interval, form: str) -> str:
    mean, low, high = (format(value, form) for value in interval)
    return mean if math.isnan(interval[1]) else f"{mean} [{low}, {high}]"
