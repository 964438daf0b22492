"""Tables in the paper's layout: a row for each method, a column for each block size or mask family and compression."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite, nan
from statistics import mean, median
from typing import Any, NamedTuple

import pandas as pd

from cryosense.errors import ArgumentError
from cryosense.reporting.scores import COMPARED, TITLES, in_paper_order
from cryosense.reporting.tables.formats import method_label, noise_and_quantiser
from cryosense.reporting.tables.map_lines import EQUIVALENT, RESOLUTIONS
from cryosense.reporting.tables.map_lines import TITLES as MAP_TITLES
from cryosense.reporting.tables.summary import (
    BASELINE,
    METHOD,
    OPERATOR,
    best,
    difference_column,
    natural_place,
    verdict_column,
)

# The paper's scores in its order, then what it does not have: the same against the clean image.
ORDER = in_paper_order(COMPARED)
OF_MAPS = [*RESOLUTIONS, EQUIVALENT]
SAME_COMPRESSION = 0.01
FAMILY = ["data", "operator", "family_masks", "symmetric", "noise_sigma", "noise_placement", "quantiser"]
Line = dict[Any, Any]  # of a data frame, whose names mypy does not know
Interval = tuple[float, float, float]


class Cell(NamedTuple):
    """One method on one operator: mean and interval, also of its difference to the pseudo-inverse; the paper's value."""

    mean: Interval
    difference: Interval
    beats_baseline: str
    published: float
    best: bool
    other_dof: float | None


@dataclass(frozen=True)
class MethodRow:
    """A method across the operators of a table; network evaluations and seconds are per image, seconds a mean of its cells."""

    method: str
    cells: list[Cell | None]
    nfe: float
    seconds: float


@dataclass(frozen=True)
class PaperTable:
    """One score of one operator family; ``columns`` name block size or masks with nominal and dof compression."""

    family: str
    score: str
    columns: list[str]
    rows: list[MethodRow]

    @property
    def title(self) -> str:
        """Score and family in words."""
        if self.score in OF_MAPS:
            return f"{MAP_TITLES.get(self.score, 'equivalent particles of maps')}: {self.family}"
        return f"{TITLES[self.score]}: {self.family}"


def without_fitted_weights(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows without the weight of methods that have one weight for each operator and seed.

    Such a weight was chosen for its operator and is part of the method; where several were tried on one operator, each stays a
    separate method.
    """
    others = [name for name in METHOD if name != "weight"]
    weights = rows.groupby([*OPERATOR, "seed", *others], dropna=False)["weight"].nunique().rename("weights").reset_index()
    several = weights.groupby(others, dropna=False)["weights"].max().rename("weights").reset_index()
    # Keys need one type on both sides: a column of only empty values has another.
    several = several.astype({name: rows[name].dtype for name in others})
    tried = rows[others].merge(several, on=others, how="left")["weights"].to_numpy() > 1
    return rows.assign(weight=rows["weight"].where(tried))


def paper_tables(lines: pd.DataFrame, columns_per_table: int) -> list[PaperTable]:
    """Return the tables of a summary with values of the paper and of maps, scores in the paper's order.

    No table has more columns than ``columns_per_table``. Column blocks of one block size or mask family stay together where
    they fit.

    Raises:
        ArgumentError: fewer than one column per table.
    """
    if columns_per_table < 1:
        raise ArgumentError(f"columns_per_table={columns_per_table}: a table needs at least one column")
    labelled = lines.assign(
        place=natural_place(lines),
        method=[method_label(line) for _, line in lines.iterrows()],
        method_key=lines.groupby(METHOD, dropna=False).ngroup(),
        family_masks=lines["masks"].where(lines["block_size"].notna()),
        block=[_block(line) for _, line in lines.iterrows()],
        **{f"best_{score}": best(lines, score) for score in [*ORDER, *OF_MAPS]},
    )
    tables = []
    for _, of_family in labelled.groupby(FAMILY, dropna=False, sort=False):
        columns = of_family.sort_values(["block_size", "block", "compression_nominal"], kind="stable")
        keys = list(dict.fromkeys(zip(columns["block"], columns["compression_nominal"], strict=True)))
        scores = [score for score in [*ORDER, *OF_MAPS] if of_family[score].notna().any()]
        records = of_family.sort_values(["place", "method"], kind="stable").to_dict("records")
        for few in _chunks(keys, columns_per_table):
            chosen = [line for line in records if _column(line) in few]
            dof = {key: _common_dof([line for line in chosen if _column(line) == key]) for key in few}
            for score in scores:
                scored = [line for line in chosen if pd.notna(line[score])]
                tables += [_table(_family(of_family.iloc[0]), score, scored, dof)] if scored else []
    return tables


def _family(line: pd.Series) -> str:
    """Return what all columns of a table have in common."""
    parts = [str(line["operator"])]
    if pd.notna(line["block_size"]):
        parts.append(str(line["masks"]))
    elif pd.notna(line["symmetric"]):
        parts.append("symmetric masks" if line["symmetric"] else "masks not symmetric")
    return f"{line['data']}, {', '.join([*parts, *noise_and_quantiser(line)])}"


def _block(line: pd.Series) -> str:
    if pd.notna(line["block_size"]):
        return f"K = {line['block_size']:.0f}"
    return str(line["masks"] if pd.notna(line["masks"]) else line["operator"])


def _chunks(keys: list[tuple[str, float]], most: int) -> Iterator[list[tuple[str, float]]]:
    """Yield columns as blocks of a label, joined while they fit, split where one block alone does not."""
    chunk: list[tuple[str, float]] = []
    for label in dict.fromkeys(label for label, _ in keys):
        block = [key for key in keys if key[0] == label]
        if chunk and len(chunk) + len(block) > most:
            yield chunk
            chunk = []
        chunk += block
        while len(chunk) > most:
            yield chunk[:most]
            chunk = chunk[most:]
    if chunk:
        yield chunk


def _column(line: Line) -> tuple[str, float]:
    return line["block"], line["compression_nominal"]


def _table(family: str, score: str, lines: list[Line], dof: dict[tuple[str, float], float]) -> PaperTable:
    """Return a table of lines that have the score, in the order of their methods; ``dof`` of each column, in order."""
    keys = [key for key in dof if any(_column(line) == key for line in lines)]
    at = {(*_column(line), line["method_key"]): line for line in lines}
    rows = []
    for method in dict.fromkeys(line["method_key"] for line in lines):
        found = [at.get((*key, method)) for key in keys]
        cells = [None if line is None else _cell(line, score, dof[key]) for key, line in zip(keys, found, strict=True)]
        there = [line for line in found if line is not None]
        seconds = [float(line["seconds"]) for line in there if pd.notna(line["seconds"])]
        nfe: float = nan if pd.isna(there[0]["nfe"]) else float(there[0]["nfe"])  # one for all: part of the method
        rows.append(MethodRow(str(there[0]["method"]), cells, nfe, mean(seconds) if seconds else nan))
    return PaperTable(family, score, [f"{block}, C = {c:.3g} ({dof[block, c]:.2f} dof)" for block, c in keys], rows)


def _common_dof(lines: list[Line]) -> float:
    """Return the compression of the operator itself: that of the pseudo-inverse, else the median."""
    baseline = [float(line["compression_dof"]) for line in lines if line["reconstructor"] == BASELINE]
    return baseline[0] if baseline else median(float(line["compression_dof"]) for line in lines)


def _cell(line: Line, score: str, dof: float) -> Cell:
    difference = difference_column(score)
    own = float(line["compression_dof"])
    return Cell(
        _interval(line, score),
        _interval(line, difference),
        str(line.get(verdict_column(score), "")),
        float(line.get(f"published_{score}", nan)),
        bool(line[f"best_{score}"]) and isfinite(line[score]),
        None if abs(own / dof - 1) <= SAME_COMPRESSION else own,
    )


def _interval(line: Line, name: str) -> Interval:
    value, low, high = (float(line.get(f"{name}{end}", nan)) for end in ("", "_low", "_high"))
    return value, low, high
