"""Everything that is computed from the rows below a directory, once, for whatever shows it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Self

import pandas as pd

from cryosense.reporting.tables.collect import Collected
from cryosense.reporting.tables.collected_maps import FinishedMap
from cryosense.reporting.tables.guidance import Guidance
from cryosense.reporting.tables.map_lines import joined, map_lines
from cryosense.reporting.tables.paper_tables import PaperTable, paper_tables, without_fitted_weights
from cryosense.reporting.tables.published import published_scores
from cryosense.reporting.tables.settings import told_apart
from cryosense.reporting.tables.summary import summarise


@dataclass(frozen=True)
class RunTables:
    """Rows with fitted weights taken out of the method, and what follows from them.

    Attributes:
        collected: what was found, runs of different settings named apart.
        maps: lines of ``map_lines`` for the back-projections.
        lines: the short table, one line per operator, method and weight.
        wide: one line per operator and method: scores, differences, the paper's values, resolutions of maps.
        tables: ``wide`` in the paper's layout.
        guidance: which prior where.
    """

    collected: Collected
    maps: pd.DataFrame
    lines: pd.DataFrame
    wide: pd.DataFrame
    tables: list[PaperTable]
    guidance: pd.DataFrame

    @classmethod
    def of(cls, collected: Collected, maps: list[FinishedMap], guidance: Guidance, columns_per_table: int) -> Self:
        """Compute all of it. Raises ArgumentError for fewer than one column per table."""
        collected = replace(collected, rows=told_apart(collected.rows, collected.runs))
        summary = partial(summarise, resamples=guidance.resamples, level=guidance.level, seed=guidance.seed)
        rows = without_fitted_weights(collected.rows)
        lines = wide = summary(collected.rows)
        if not rows["weight"].equals(collected.rows["weight"]):
            wide = summary(rows)
        lines_of_maps = map_lines(maps, collected.runs, rows)
        wide = joined(wide.join(published_scores(wide)), lines_of_maps)
        return cls(collected, lines_of_maps, lines, wide, paper_tables(wide, columns_per_table), guidance.table(rows))
