"""One picture of a sweep: a row of images for each operator with their errors below, one grey scale for all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cryosense.results.examples import Example, Image, arrange
from cryosense.results.formats import method_label, operator_label

WIDTH_INCHES, DOTS_PER_INCH = 16.0, 100
LARGEST_PANEL_INCHES = 2.6
LEADING = {"image": "original, as measured", "clean": "clean", "measurement": "measurement"}
SCORES = {"psnr": "{:.1f} dB", "ssim": "ssim {:.2f}", "lpips": "lpips {:.2f}", "correlation_clean": "corr {:.2f}"}


def picture(examples: list[Example], *, most_operators: int) -> Figure:
    """-> a figure with the columns original, clean, measurement and one per method, and two rows per operator.

    Original, clean image and reconstructions share one grey scale, errors another one centred at zero; a measurement is no
    image and has its own. Raises ValueError without an example.
    """
    if not examples:
        raise ValueError("no run holds an example image: there is nothing to draw")
    operators, methods = arrange(examples)
    shown = operators[:most_operators]
    drawn = [example for row in shown for example in row.values()]
    leading = [name for name in LEADING if any(name in example.images for example in drawn)]
    low, high = np.median([_range(example.images["image"]) for example in drawn], axis=0)
    spread = float(np.median([np.percentile(np.abs(example.error), 99.5) for example in drawn]))
    figure, grid = _canvas(len(shown), len(leading) + len(methods))
    for i, row in enumerate(shown):
        first = next(iter(row.values()))
        for axes, name in zip(grid[2 * i], leading, strict=False):
            if name in first.images:
                scale = _range(first.images[name]) if name == "measurement" else (low, high)
                _show(axes, first.images[name], scale, LEADING[name])
        _write(grid[2 * i + 1][0], first.row)
        for axes, below, method in zip(grid[2 * i][len(leading) :], grid[2 * i + 1][len(leading) :], methods, strict=True):
            if method in row:
                _show(axes, row[method].images["reconstruction"], (low, high), _title(row[method].row))
                _show(below, row[method].error, (-spread, spread), "error")
    truth = "clean" if "clean" in leading else "measured"
    caption = [
        f"Grey scale of originals, clean images and reconstructions: {low:.2f} (black) to {high:.2f} (white). "
        f"Errors, against the {truth} image: {-spread:.2f} to {spread:.2f}. Measurements: a scale of their own.",
        "Scores are those of the image shown: psnr, ssim and lpips against the image as measured"
        + (", corr with the clean image." if "clean" in leading else "."),
    ]
    if len(shown) < len(operators):
        caption.append(f"The first {len(shown)} of {len(operators)} operators.")
    figure.suptitle("\n".join(caption), fontsize=10)
    return figure


def _canvas(operators: int, columns: int) -> tuple[Figure, list[list[Axes]]]:
    """An empty figure, two rows of panels per operator; at most 1600 px wide, so that it can be read without scrolling."""
    panel = min(WIDTH_INCHES / columns, LARGEST_PANEL_INCHES)
    width = max(panel * columns, WIDTH_INCHES * 0.6)
    figure = Figure(figsize=(width, operators * (2 * panel + 0.75) + 0.8), dpi=DOTS_PER_INCH, layout="constrained")
    grid = figure.subplots(2 * operators, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    return figure, grid.tolist()


def _range(image: Image) -> tuple[float, float]:
    low, high = np.percentile(image, [0.5, 99.5])
    return float(low), float(high)


def _show(axes: Axes, image: Image, scale: Sequence[float], title: str) -> None:
    axes.imshow(image, cmap="gray", vmin=scale[0], vmax=scale[1], interpolation="nearest")
    axes.set_title(title, fontsize=9)


def _write(axes: Axes, row: pd.Series) -> None:
    """What the operator is, in the panel below the original, which has no error."""
    lines = [row["data"], *operator_label(row).split(", ")]
    text = "\n".join(lines) + f"\nC = {row['compression_dof']:.3g} dof\nparticle {row['particle']}"
    axes.text(0.0, 1.0, text, va="top", fontsize=10, transform=axes.transAxes)


def _title(row: pd.Series) -> str:
    scores = [form.format(row[name]) for name, form in SCORES.items() if pd.notna(row[name])]
    lines = [method_label(row), *("  ".join(scores[i : i + 2]) for i in range(0, len(scores), 2))]
    return "\n".join(lines)
