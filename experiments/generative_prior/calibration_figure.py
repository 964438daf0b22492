"""The figure of the calibration study: coverage of intervals; error of the mean and variance, mode by mode."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

Rows = dict[tuple[str, str], dict[str, Any]]


def draw(rows: Rows, shown: list[str], levels: list[float]) -> Figure:
    """-> one column per problem; ``rows`` by problem and sampler, ``levels`` of the intervals."""
    problems = list(dict.fromkeys(problem for problem, _ in rows))
    figure = Figure(figsize=(3.5 * len(problems), 9), dpi=85, layout="constrained")
    panels = figure.subplots(3, len(problems), sharey="row")
    for i, problem in enumerate(problems):
        column = [row[i] for row in panels]
        for j, name in enumerate(shown):
            row, style = rows[problem, name], {"color": f"C{j}", "label": name, "lw": 2.5 if j == 0 else 1.3}
            excess = [100 * (covered - level) for covered, level in zip(row["coverage"], levels, strict=True)]
            column[0].plot([100 * level for level in levels], excess, **style)
            column[1].plot(row["deviations"], row["errors"], marker=".", **style)
            column[2].plot(row["deviations"], row["ratios"], marker=".", **style)
        _references(*column)
        column[0].set(title=problem, xlabel="interval, %")
        column[2].set_xlabel("exact deviation of the mode")
    panels[0][0].set_ylabel("truth held, above nominal, %\n(mean over pixels)")
    panels[1][0].set_ylabel("error of the mean (r.m.s.),\nin exact deviations")
    panels[2][0].set_ylabel("sampled / exact variance")
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(shown), frameon=False)
    return figure


def _references(coverage: Axes, error: Axes, ratio: Axes) -> None:
    """What an exact sampler gives, and the band that the variance may lie in."""
    coverage.axhline(0, color="0.5", lw=1, ls="--", zorder=0)
    error.set(yscale="log", ylim=(0.01, 3))
    ratio.axhspan(0.8, 1.25, color="0.92", zorder=0)
    ratio.axhline(1, color="0.5", lw=1, ls="--", zorder=0)
    ratio.set(yscale="log", ylim=(0.02, 5))
