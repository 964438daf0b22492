"""Everything that was collected as one Markdown page: tables, advice, maps, and what is not in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from cryosense.files import escapes
from cryosense.reporting.tables.collect import in_words
from cryosense.reporting.tables.guidance import guidance_words
from cryosense.reporting.tables.map_lines import map_words
from cryosense.reporting.tables.paper_formats import paper_markdown
from cryosense.reporting.tables.run_tables import RunTables


def page(tables: RunTables, level: float) -> str:
    """Return the page as Markdown."""
    parts = [paper_markdown(tables.tables, level)]
    advice = list(guidance_words(tables.guidance))
    if advice:
        parts += ["### Which prior where\n", markdown(advice), ADVICE]
    if len(tables.maps):
        parts += ["### Maps\n", markdown(map_words(tables.maps))]
    if tables.collected.left_out:
        parts += ["### Not in the tables\n", *(f"- {escapes.markdown(line)}" for line in left_out(tables)), ""]
    return "\n".join(parts)


ADVICE = (
    "Best prior of those that were run, by the mean over the operators of a range; it ties with those whose paired difference "
    "over images has an interval that reaches zero. Best of all methods: linear estimates and same-budget baselines included. "
    "Verdict: whether the best and all that tie are of the kind that the paper advises there.\n"
)


def left_out(tables: RunTables) -> list[str]:
    """Return the runs and cells without rows in the tables, in words."""
    return in_words(tables.collected.left_out)


def markdown(lines: Sequence[Mapping[str, str]]) -> str:
    """Return lines with the same keys as a Markdown table, everything escaped."""
    header = list(lines[0])
    rows = [header, ["---"] * len(header), *(_escaped(line[name] for name in header) for line in lines)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n"


def _escaped(words: Iterable[str]) -> list[str]:
    return [escapes.markdown(str(word)) for word in words]
