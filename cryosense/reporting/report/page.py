"""The report: one HTML file that needs nothing else, neither network nor scripts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pandas as pd

from cryosense.files.writing import written_whole
from cryosense.reporting.figures.pictures import picture
from cryosense.reporting.report.answer import answer
from cryosense.reporting.report.curves import map_score_curves, score_curves
from cryosense.reporting.report.making import how_made
from cryosense.reporting.report.markup import Markup, drawing, element, joined, photograph, table_of
from cryosense.reporting.report.sections import advice, facts, paper_table, winners
from cryosense.reporting.report.slices import map_sections
from cryosense.reporting.style import label_words, plain_text
from cryosense.reporting.tables.collected_maps import FinishedMap, map_curves
from cryosense.reporting.tables.examples import Example, arrange
from cryosense.reporting.tables.formats import operator_label
from cryosense.reporting.tables.listing import ADVICE
from cryosense.reporting.tables.map_lines import images_words, map_words
from cryosense.reporting.tables.paper_formats import DIFFERENCE, legend
from cryosense.reporting.tables.run_tables import RunTables

# Nothing but this file: a browser that respects this shows no image rather than fetch one.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
OPERATORS_PER_PICTURE = 2
SCORES_TEXT = (
    "Scores are against the image that was measured, *_clean against the image without noise where it is known: images of "
    "particles are mostly noise, and a score against the noisy image mostly rewards copying it."
)


@dataclass(frozen=True)
class Report:
    """What a report is made of.

    Attributes:
        name: what it is a report of.
        tables: everything that was computed from rows, None if there are only maps.
        maps: back-projections.
        map_lines: lines of ``map_lines`` for these.
        examples: an image of each run that has one.
        left_out: runs, cells and maps that are not in it, in words.
        made: when, in words.
        level: of the intervals.
        most_operators, most_maps: how many rows of images and sections of maps are shown at most.
    """

    name: str
    tables: RunTables | None
    maps: Sequence[FinishedMap]
    map_lines: pd.DataFrame
    examples: list[Example]
    left_out: Sequence[str]
    made: str
    level: float
    most_operators: int
    most_maps: int

    def html(self) -> str:
        """Return the page."""
        with plain_text():
            return self._html()

    def _html(self) -> str:
        sections = [(title, inside) for title, inside in self._sections() if inside]
        ids = [f"section-{number}" for number in range(len(sections))]
        links = [element("a", title, href=f"#{at}") for at, (title, _) in zip(ids, sections, strict=True)]
        head = element(
            "head",
            element("meta", charset="utf-8"),
            element("meta", http_equiv="Content-Security-Policy", content=POLICY),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("link", rel="icon", href="data:,"),
            element("title", f"cryosense report: {self.name}"),
            element("style", Markup(files("cryosense.reporting.report").joinpath("style.css").read_text())),
        )
        body = element(
            "body",
            element("header", element("h1", f"cryosense report: {self.name}"), element("p", self.made, class_="soft")),
            facts(list(self._numbers())),
            element("nav", *links, aria_label="sections"),
            *(
                element("section", element("h2", title, id=at), inside)
                for at, (title, inside) in zip(ids, sections, strict=True)
            ),
        )
        return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"

    def _numbers(self) -> Iterator[tuple[str, object]]:
        if self.tables is not None:
            yield "runs", len(self.tables.collected.runs)
            yield "rows", len(self.tables.collected.rows)
            yield "images counted", int(self.tables.lines["images"].max())
        yield "maps", len(self.maps)
        yield "runs, cells or maps left out", len(self.left_out)

    def _sections(self) -> Iterator[tuple[str, Markup]]:
        tables = self.tables
        yield "What to use, what it costs", answer(None if tables is None else tables.wide, self.map_lines)
        if tables is not None:
            yield "Summary", joined([element("p", SCORES_TEXT), _words(table_of(winners(tables.wide)))])
            yield "Which prior where", _advice(tables)
        yield "Maps", self._maps()
        if tables is not None:
            yield (
                "Curves",
                joined(drawing(figure, _curve_caption(name, self.level)) for name, figure in score_curves(tables.wide)),
            )
            yield "Images", self._images()
            yield "Tables", self._paper_tables(tables)
        missing = element("ul", *(element("li", line) for line in self.left_out))
        yield "Not in the tables", missing if self.left_out else Markup("")
        if tables is not None:
            yield "How it was made", how_made(tables.collected.runs)
        if self.maps:
            yield "How the maps were made", how_made(each.directory for each in self.maps)

    def _paper_tables(self, tables: RunTables) -> Markup:
        read = legend(self.level).replace(DIFFERENCE, label_words(DIFFERENCE))
        return joined([element("p", read, class_="soft"), *map(paper_table, tables.tables)])

    def _images(self) -> Markup:
        """Return a picture for every two operators, so that it fits a page."""
        operators, _ = arrange(self.examples) if self.examples else ([], [])
        shown, parts = operators[: self.most_operators], []
        for first in range(0, len(shown), OPERATORS_PER_PICTURE):
            few = shown[first : first + OPERATORS_PER_PICTURE]
            names = "; ".join(operator_label(next(iter(row.values())).row) for row in few)
            drawn = picture([example for row in few for example in row.values()], most_operators=len(few))
            parts.append(photograph(drawn, f"{names}: one particle of each run, below each reconstruction its error."))
        if len(shown) < len(operators):
            parts.append(element("p", f"The first {len(shown)} of {len(operators)} operators.", class_="soft"))
        return joined(parts)

    def _maps(self) -> Markup:
        if not self.maps:
            return Markup("")
        maps = list(self.maps)
        titles = {str(line["maps"]): images_words(line) for _, line in self.map_lines.iterrows()}
        sections, unreadable = map_sections(maps[: self.most_maps], titles)
        parts = [_words(table_of(map_words(self.map_lines)))]
        for name, figure in map_score_curves(self.map_lines):
            parts.append(drawing(figure, f"Maps, {name}: resolution and equivalent particles against compression."))
        parts.append(drawing(map_curves(maps), "FSC of all maps; bands: bootstrap intervals over particles, where there are."))
        if sections is not None:
            cut = f" The first {self.most_maps} of {len(maps)} maps." if len(maps) > self.most_maps else ""
            parts.append(photograph(sections, f"Section z = 0 of each map, each on a grey scale of its own.{cut}"))
        parts += [element("p", f"No section of {reason}", class_="warning") for reason in unreadable]
        return joined(parts)


def _advice(tables: RunTables) -> Markup:
    if tables.guidance.empty:
        return Markup("")
    return joined([_words(advice(tables.guidance)), element("p", ADVICE, class_="soft")])


def _words(inside: Markup) -> Markup:
    return element("div", inside, class_="words")


def _curve_caption(name: str, level: float) -> str:
    return f"{name}: means over images against compression; bars: {100 * level:g} % bootstrap intervals over images."


def write_report(path: Path, report: Report) -> None:
    """Write the page under this name, whole or not at all."""
    with written_whole(path) as unfinished:
        unfinished.write_text(report.html(), encoding="utf-8")
