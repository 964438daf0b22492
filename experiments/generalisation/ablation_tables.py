"""What ablation.py found, in tables and a picture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from analyse import WIENER, interval, markdown
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cryosense.reporting.style import BLUE, VERMILION

SHIPPED = "shipped"
SCORES = {"psnr": 2, "correlation": 3}  # and digits
PLACE, NUMBERS = ["operator", "seen", "molecule"], ["draw", "steps", "after"]


def summed(rows: pd.DataFrame) -> pd.DataFrame:
    """-> one row for each network and molecule in a cell: mean scores, and gains over Wiener on the same particles.

    ``draw``, ``steps`` and ``after``, how many of these, are -1 of what comes with cryosense, and of Wiener.
    """
    rows = rows.fillna(dict.fromkeys(NUMBERS, -1)).astype(dict.fromkeys(NUMBERS, int))
    table = rows.groupby([*PLACE, "fold", "name", *NUMBERS], as_index=False)[list(SCORES)].mean()
    wiener = table[table["name"] == WIENER].set_index(PLACE)[list(SCORES)]
    return table.join(wiener.rename(columns="Wiener {}".format), on=PLACE).assign(
        **{f"gain {score}": lambda of, score=score: of[score] - of[f"Wiener {score}"] for score in SCORES}
    )


def trained(table: pd.DataFrame) -> pd.DataFrame:
    """-> the rows of the networks that were trained here, with how many molecules they were trained on."""
    own = table[~table["name"].isin([WIENER, SHIPPED])]
    return own.assign(count=own["name"].astype(int))


def over_draws(rows: pd.DataFrame, score: str) -> pd.DataFrame:
    """-> for each molecule (rows) and number of molecules trained on (columns), the mean over draws."""
    return rows.pivot_table(index="molecule", columns="count", values=score)


def of_draws(rows: pd.DataFrame, score: str) -> pd.Series:
    """-> for each number of molecules and draw, the mean over molecules."""
    return rows.groupby(["count", "draw"])[score].mean()


def _worded(found: tuple[float, float, float]) -> str:
    return f"{found[0]:+.2f} ({found[1]:+.2f} to {found[2]:+.2f})"


def cells(table: pd.DataFrame) -> Iterator[tuple[list[str], pd.DataFrame]]:
    """-> operator and steps in words, and rows of the networks trained here."""
    for (operator, steps, after), rows in trained(table).groupby(["operator", "steps", "after"]):
        yield [str(operator).replace("_", " "), f"{after} of {steps}"], rows


def unseen_lines(table: pd.DataFrame) -> Iterator[list[str]]:
    """-> a line for each operator, number of steps, and number of molecules: on folds that no network has seen."""
    for words, rows in cells(table[~table["seen"]]):
        gains, each, most = over_draws(rows, "gain psnr"), of_draws(rows, "gain psnr"), rows["count"].max()
        correlations = over_draws(rows, "correlation").mean()
        for count in gains:
            draws = ", ".join(f"{value:+.2f}" for value in each[count])
            paired = rows[rows["draw"].isin(each[count].index.intersection(each[most].index))]
            behind = over_draws(paired, "gain psnr")
            less = "" if count == most else _worded(interval(behind[most] - behind[count]))
            mean = _worded(interval(gains[count]))
            yield [*words, str(count), mean, draws, f"{correlations[count]:.3f}", less]


def complete(rows: pd.DataFrame) -> pd.DataFrame:
    """-> the rows of the draws of which all networks were trained."""
    return rows[rows.groupby("draw")["count"].transform("nunique") == rows["count"].nunique()]


def seen_lines(table: pd.DataFrame) -> Iterator[list[str]]:
    """-> a line for each operator, number of steps, and number of molecules: on a molecule that every network has seen."""
    for words, rows in cells(table[table["seen"]]):
        gains, means = of_draws(rows, "gain psnr"), over_draws(complete(rows), "gain psnr").mean()
        for count, of in gains.groupby(level="count"):
            each = ", ".join(f"{value:+.2f}" for value in of)
            yield [*words, str(count), f"{means[count]:+.2f}" if count in means else "", each]


def others(table: pd.DataFrame) -> str:
    """-> what comes with cryosense, on the same particles, in words."""
    found = table[table["name"] == SHIPPED].groupby(["operator", "seen"])["gain psnr"].mean()
    each = [
        f"{operator.replace('_', ' ')} {found[operator, False]:+.2f} dB unseen, {found[operator, True]:+.2f} on the seen ones"
        for operator in sorted(set(found.index.get_level_values(0)))
    ]
    return f"The network that comes with cryosense, on the same particles: {'; '.join(each)}."


UNSEEN = """Small networks, trained alike: PSNR less Wiener's, in dB, on {folds} molecules of folds that none has seen. Mean
over draws and molecules, 95 % interval over molecules; the mean of each draw. *Less these*: of the same draws, paired."""
SEEN = """The same on the first molecule of each draw, on which all networks of that draw were trained: {names}.
The mean is of the draws of which all networks were trained."""


def tables(table: pd.DataFrame) -> str:
    """-> Markdown."""
    folds, names = (table.loc[table["seen"] == seen, "molecule"].unique() for seen in (False, True))
    head, most = ["operator", "steps", "molecules", "mean", "each draw"], trained(table)["count"].max()
    parts = [
        UNSEEN.format(folds=len(folds)),
        markdown([*head, "corr.", f"{most} less these"], list(unseen_lines(table))),
        SEEN.format(names=", ".join(name.removesuffix(", seen") for name in names)),
        markdown(head, list(seen_lines(table))),
        others(table),
    ]
    return "\n\n".join(parts) + "\n"


def picture(table: pd.DataFrame, path: Path) -> None:
    """Draw gains over Wiener against the number of molecules, a panel for each operator."""
    own = trained(table)
    own = complete(own[own["steps"] == own["steps"].mode()[0]])
    operators, counts = sorted(set(own["operator"])), sorted(set(own["count"]))
    figure = Figure(figsize=(3.6 * len(operators), 3.4), layout="constrained")
    grid = figure.subplots(1, len(operators), sharey=True, squeeze=False)[0]
    for axes, operator in zip(grid, operators, strict=True):
        axes.axhline(0, color="0.6", linewidth=0.8)
        for (seen, steps), rows in own[own["operator"] == operator].groupby(["seen", "after"]):
            last = steps == own["after"].max()
            _curve(axes, rows, BLUE if not seen else VERMILION, f"{'seen' if seen else 'unseen'}, {steps} steps", last=last)
        axes.set_xticks(range(len(counts)), [str(count) for count in counts])
        axes.set_xlabel("molecules trained on")
        axes.set_title(str(operator).replace("_", " "), fontsize=10)
    grid[0].set_ylabel("PSNR less Wiener's, dB")
    grid[0].legend(fontsize=7)
    figure.savefig(path, dpi=130)


def _curve(axes: Axes, rows: pd.DataFrame, colour: str, label: str, *, last: bool) -> None:
    """Draw the mean over draws as a line, and at the end of training each draw as a point."""
    gains = of_draws(rows, "gain psnr").unstack("draw")
    axes.plot(range(len(gains)), gains.mean(axis=1), "-" if last else ":", color=colour, label=label)
    if last:
        axes.plot(range(len(gains)), gains, "o", color=colour, markersize=3)
