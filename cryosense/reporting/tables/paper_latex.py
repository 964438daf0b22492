"""Tables in the paper's layout as LaTeX, with booktabs' rules and siunitx's columns."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from cryosense.files.escapes import latex
from cryosense.reporting.scores import DECIMALS
from cryosense.reporting.style import label_words
from cryosense.reporting.tables.paper_formats import MAP_DECIMALS, body_of, legend
from cryosense.reporting.tables.paper_tables import Cell, MethodRow, PaperTable

BOLD, SMALL = "\\bfseries ", r"\multicolumn{{2}}{{c}}{{\scriptsize {}}}"
NEEDED = r"""% \usepackage{booktabs,siunitx}
\providecommand{\cryosenseunits}{\sisetup{detect-weight=true,detect-inline-weight=math}}
\cryosenseunits"""


def paper_latex(tables: Iterable[PaperTable], level: float) -> str:
    """Return a ``table`` environment for each; the legend and what they need as a comment.

    Means stand under each other by their decimal points, half the interval behind them; the best of a column is bold.
    """
    return "\n".join([f"% {legend(level)}", NEEDED, *(_table(table) for table in tables)])


def _table(table: PaperTable) -> str:
    decimals = (DECIMALS | MAP_DECIMALS)[table.score]
    means = [cell.mean[0] for row in table.rows for cell in row.cells if cell is not None and math.isfinite(cell.mean[0])]
    digits = max((len(f"{abs(mean):.0f}") for mean in means), default=1)
    column = f"S[table-format=-{digits}.{decimals}]@{{\\,}}l"
    titles = [rf"\multicolumn{{2}}{{c}}{{{latex(title)}}}" for title in table.columns]
    lines = [
        r"\begin{table}",
        r"\centering\footnotesize\setlength{\tabcolsep}{3pt}",
        rf"\caption{{{latex(table.title)}}}",
        rf"\begin{{tabular}}{{l{column * len(table.columns)}rr}}",
        r"\toprule",
        " & ".join(["method", *titles, "NFE", "s/image"]) + r" \\",
        r"\midrule",
        *_body(table, decimals),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
        "",
    ]
    return "\n".join(lines)


def _body(table: PaperTable, decimals: int) -> Iterator[str]:
    methods = iter(table.rows)
    for line in body_of(table):
        if line.below:
            words = [
                rf"\multicolumn{{2}}{{c}}{{\scriptsize {word}}}" if word else " & "
                for word in line.words[: len(table.columns)]
            ]
            yield " & ".join([rf"\quad {latex(line.title)}", *words, "", ""]) + r" \\"
        else:
            yield _method(next(methods), decimals)


def _method(row: MethodRow, decimals: int) -> str:
    nfe = "" if math.isnan(row.nfe) else f"{row.nfe:.0f}"
    seconds = "" if math.isnan(row.seconds) else f"{row.seconds:.2g}"
    return " & ".join([latex(label_words(row.method)), *(_cell(cell, decimals) for cell in row.cells), nfe, seconds]) + r" \\"


def _cell(cell: Cell | None, decimals: int) -> str:
    """Return two columns: the mean, and half its interval with the compression where it is another than the column's."""
    if cell is None:
        return " & "
    if not math.isfinite(cell.mean[0]):
        return "{none} & "
    mean, low, high = cell.mean
    half = "" if math.isnan(low) else rf"$\pm${(high - low) / 2:.{decimals}f}"
    own = "" if cell.other_dof is None else f" ({cell.other_dof:.2f} dof)"
    return f"{BOLD if cell.best else ''}{mean:.{decimals}f} & {half}{own}"
