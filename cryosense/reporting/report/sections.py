"""Tables of a report."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from cryosense.reporting.report.markup import Markup, element, joined, scrolling
from cryosense.reporting.scores import TITLES
from cryosense.reporting.style import label_words
from cryosense.reporting.tables.formats import method_label, operator_label
from cryosense.reporting.tables.guidance import SETTING, guidance_words
from cryosense.reporting.tables.paper_formats import BodyLine, body_of, header_of
from cryosense.reporting.tables.paper_tables import ORDER, PaperTable
from cryosense.reporting.tables.summary import BASELINE, OPERATOR, best, verdict_column

JUDGED = ["better", "worse"]
VERDICT_CLASSES = {"agrees": "better", "disagrees": "worse"}


def paper_table(made: PaperTable) -> Markup:
    """Return a table in the paper's layout: small intervals, the best of a column marked, differences coloured by verdict."""
    head = element("tr", *(element("th", title, scope="col") for title in header_of(made)))
    body = [_line(line) for line in body_of(made)]
    drawn = scrolling(element("table", element("thead", head), element("tbody", *body)))
    return joined([element("h3", made.title), drawn])


def _line(line: BodyLine) -> Markup:
    marks = [*line.best, *[False] * (len(line.words) - len(line.best))]
    cells = [_cell(word, top) for word, top in zip(line.words, marks, strict=True)]
    return element(
        "tr", element("th", label_words(line.title), scope="row"), *cells, class_="below" if line.below else "method"
    )


def _cell(word: str, top: bool) -> Markup:
    number, _, rest = word.partition(" ")
    inside = [element("span", number, class_="best") if top else number]
    inside += [" ", element("small", rest)] if rest else []
    verdict = word.rpartition(" ")[2]
    return element("td", joined(inside), class_=verdict if verdict in JUDGED else "")


def winners(lines: pd.DataFrame) -> list[dict[str, str]]:
    """Return for each operator the best method by every score, and how many methods beat the pseudo-inverse."""
    scores = [score for score in ORDER if lines[score].notna().any()]
    marked = lines.assign(**{f"best_{score}": best(lines, score) for score in scores})
    found = []
    for _, of_operator in marked.groupby(OPERATOR, dropna=False, sort=False):
        first = of_operator.iloc[0]
        base = of_operator[of_operator["reconstructor"] == BASELINE]["compression_dof"]
        dof = base.iloc[0] if len(base) else of_operator["compression_dof"].median()
        line = {"data": str(first["data"]), "operator": f"{operator_label(first)} ({dof:.2f} dof)"}
        for score in scores:
            line[TITLES[score]] = _winner(of_operator, score)
        found.append(line)
    return found


def _winner(lines: pd.DataFrame, score: str) -> str:
    names = [label_words(method_label(line)) for _, line in lines[lines[f"best_{score}"]].iterrows()]
    verdicts = lines[verdict_column(score)]
    compared = int((verdicts != "").sum())
    beaten = f" ({int((verdicts == 'yes').sum())} of {compared} beat the {label_words(BASELINE)})" if compared else ""
    return f"{', '.join(names)}{beaten}" if names else ""


def advice(lines: pd.DataFrame) -> Markup:
    """Return guidance as a table: a row for each domain and range, a column for each score (best prior, ties, verdict)."""
    scores = list(dict.fromkeys(lines["score"]))
    head = element("tr", *(element("th", title, scope="col") for title in ("domain", "range", "the paper advises", *scores)))
    body = []
    for _, group in lines.groupby([*SETTING, "range"], dropna=False, sort=False):
        words = list(guidance_words(group))
        cells = {line["score"]: _advised(line) for line in words}
        first = words[0]
        domain = element(
            "th", f"{first['data']}, {first['domain']}", element("div", first["over"], class_="soft"), scope="row"
        )
        row = [element("td", first["range"]), element("td", first["paper"])]
        row += [cells.get(score, element("td")) for score in scores]
        body.append(element("tr", domain, *row))
    return scrolling(element("table", element("thead", head), element("tbody", *body)))


def _advised(line: dict[str, str]) -> Markup:
    name, _, number = line["best prior"].rpartition(" ")
    ties = [element("small", f"ties with {_each_in_words(line['ties with'])}")] if line["ties with"] else []
    parts = [joined([element("b", label_words(name)), " ", number]), *ties]
    parts += [element("span", line["verdict"], class_=VERDICT_CLASSES.get(line["verdict"], "soft"))]
    parts += [element("small", f"of all: {_each_in_words(line['best of all methods'])}")]
    return element("td", *(element("div", part) for part in parts))


def _each_in_words(labels: str) -> str:
    return ", ".join(label_words(label) for label in labels.split(", "))


def facts(numbers: Sequence[tuple[str, object]]) -> Markup:
    """Return names and numbers as a row."""
    return element("ul", *(element("li", element("b", str(value)), name) for name, value in numbers), class_="facts")
