"""One look at advice: resolution and equivalent particles against bytes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from cryosense.reporting.style import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION

DOTS_PER_INCH = 110
LINES = {  # of what is measured: colour and words
    "bits by shell": (BLUE, "bits by shell"),
    "resolved": (GREEN, "one step, to where it is resolved"),
    "resolved without a mask": (SKY, "one step, to where it is unmasked"),
    "all shells": ("black", "one step, all shells"),
    "pixels": ("0.7", "pixels"),
}
TRELLIS, STEP_MARKER, TRELLIS_MARKER = "trellis, ", "o", "d"
WITHOUT_LOSS = {"as it is": "s", "lossless": "D"}
SHARE, UNMASKED, MASKED = "equivalent_particles_share", "resolution_unmasked_angstrom", "resolution_masked_angstrom"


def draw_advice(table: pd.DataFrame, checks: pd.DataFrame, answers: dict[str, dict[str, float]], title: str) -> Figure:
    """Return a figure of ``advice.csv``, ``checks.csv`` and the answers of ``advice.json``.

    Predictions are lines, for the whole data set; checks are points, of the sample: each is drawn where the prediction for the
    sample would lie on the line, moved by as much as it was off.
    """
    figure = Figure(figsize=(10.0, 8.0), dpi=DOTS_PER_INCH, layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[1.2, 1.0])
    _draw_shares(upper, table)
    _draw_resolutions(lower, table)
    for name, answer in answers.items():
        upper.plot(answer["bytes_per_particle"], 100 * answer[SHARE], "o", color="black", fillstyle="none", markersize=11)
        place = (answer["bytes_per_particle"], 100 * answer[SHARE])
        upper.annotate(name.replace("_", " "), place, xytext=(-8, 10), textcoords="offset points", fontsize=9, ha="right")
    if len(checks):
        _draw_checks(upper, lower, checks)
    upper.set(ylabel="equivalent particles (%)", ylim=(0, 104))
    lower.set(xlabel="bytes of a particle, all included", ylabel="resolution at 0.143 (Å)", xscale="log")
    lower.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    upper.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.01, 0.5))
    lower.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.01, 0.5), title="solid: under the mask, dashed: without")
    figure.suptitle(title, fontsize=10)
    return figure


def _lines(table: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, str, str, str]]:
    """Yield the rows of each line by rising bytes, its colour, marker and words; a trellis has the colour of its rival."""
    for (kind, (colour, words)), trellis in itertools.product(LINES.items(), (False, True)):
        rows = table[table["measured"] == (TRELLIS + kind if trellis else kind)].sort_values("bytes_per_particle")
        if len(rows):
            marker = TRELLIS_MARKER if trellis else STEP_MARKER
            yield rows, colour, marker, TRELLIS + words if trellis else words


def _draw_shares(axes: Axes, table: pd.DataFrame) -> None:
    for rows, colour, marker, words in _lines(table):
        shares = 100 * rows[SHARE]
        axes.plot(rows["bytes_per_particle"], shares, marker + "-", color=colour, markersize=4, label=f"{words}: expected")
    signs = table[table["measured"].str.startswith("signs")]
    axes.plot(signs["bytes_per_particle"], 100 * signs[SHARE], "*", color=ORANGE, label="signs: expected")
    masks = table[table["measured"].str.startswith("flat masks")]
    axes.plot(masks["bytes_per_particle"], 100 * masks[SHARE], "v", color=VERMILION, label="flat masks, C = 2.5: expected")
    half = table[table["scheme"] == "lossless: float16"].iloc[0]
    few = np.geomspace(0.02, 1.0, 50)
    label = "fewer particles, lossless float16"
    axes.plot(few * half["bytes_per_particle"], 100 * few, ":", color="0.5", label=label)
    for kind, marker in WITHOUT_LOSS.items():
        rows = table[table["measured"] == kind]
        axes.plot(rows["bytes_per_particle"], 100 * rows[SHARE], marker, color="0.5", label=f"float16, float32, {kind}")


def _draw_resolutions(axes: Axes, table: pd.DataFrame) -> None:
    for (rows, colour, marker, words), (column, line) in itertools.product(_lines(table), ((MASKED, "-"), (UNMASKED, "--"))):
        label = words if column == MASKED else None
        axes.plot(rows["bytes_per_particle"], rows[column], marker + line, color=colour, markersize=3, label=label)
    for kind, marker in WITHOUT_LOSS.items():
        rows = table[table["measured"] == kind]
        for column in (MASKED, UNMASKED):
            axes.plot(rows["bytes_per_particle"], rows[column], marker, color="0.5")
    axes.invert_yaxis()


def _draw_checks(upper: Axes, lower: Axes, checks: pd.DataFrame) -> None:
    upper.plot(checks["bytes_measured"], 100 * checks["equivalent_measured"], "x", color=PURPLE, label="checked on the sample")
    expected = 100 * checks["equivalent_expected"]
    upper.plot(checks["bytes_expected"], expected, "+", color="black", label="expected of the sample")
    for name, marker in (("masked", "x"), ("unmasked", "1")):
        words = f"sample, {'under the mask' if name == 'masked' else 'without'}: checked"
        lower.plot(checks["bytes_measured"], checks[f"{name}_measured_angstrom"], marker, color=PURPLE, label=words)
        lower.plot(checks["bytes_expected"], checks[f"{name}_expected_angstrom"], "+", color="black")
