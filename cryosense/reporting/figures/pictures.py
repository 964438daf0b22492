"""One picture of a sweep: rows of images for each operator with their errors below, one grey scale for all."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cryosense.errors import NoRunError
from cryosense.reporting.scores import picture_legend, picture_words
from cryosense.reporting.style import method_words, scale_bar
from cryosense.reporting.tables.examples import Example, Image, arrange
from cryosense.reporting.tables.formats import operator_label

WIDTH_INCHES, DOTS_PER_INCH = 16.0, 100
LARGEST_PANEL_INCHES = 2.6
CAPTION_CHARACTERS_PER_INCH, TITLE_CHARACTERS_PER_INCH = 12, 13
ROOMY_PANEL_INCHES = 1.4
MOST_COLUMNS = 8  # more would be too small to look at: methods go on in further rows
LEADING = {"image": "original, as measured", "clean": "clean", "measurement": "measurement"}


@dataclass(frozen=True)
class Scales:
    """Grey values: ``images`` from black to white, ``errors`` to either side of zero; ``characters`` in a panel's title."""

    images: tuple[float, float]
    errors: float
    characters: int


def picture(examples: list[Example], *, most_operators: int) -> Figure:
    """Return a figure: original, clean image, measurement and each method, at most eight panels beside each other.

    Original, clean image and reconstructions share one grey scale, and errors another, centred at zero; a measurement is not
    an image and has its own.

    Raises:
        NoRunError: no example.
    """
    if not examples:
        raise NoRunError("no run holds an example image: there is nothing to draw")
    operators, methods = arrange(examples)
    shown = operators[:most_operators]
    drawn = [example for row in shown for example in row.values()]
    leading = [name for name in LEADING if any(name in example.images for example in drawn)]
    uncertain = [method for method in methods if any("deviation" in row[method].images for row in shown if method in row)]
    panels = [(method, "reconstruction") for method in methods] + [(method, "deviation") for method in uncertain]
    first = max(1, MOST_COLUMNS - len(leading))
    batches = [panels[:first], *(panels[i : i + MOST_COLUMNS - 1] for i in range(first, len(panels), MOST_COLUMNS - 1))]
    columns = len(leading) + len(batches[0])
    side = min(WIDTH_INCHES / columns, LARGEST_PANEL_INCHES)
    scales = _common_scales(drawn, max(8, int(TITLE_CHARACTERS_PER_INCH * side)))
    figure, grid = _canvas(len(shown) * len(batches), columns, side)
    for i, row in enumerate(shown):
        example = next(iter(row.values()))
        for j, batch in enumerate(batches):
            top, below = grid[2 * (i * len(batches) + j) :][:2]
            if j == 0:
                _draw_leading(top, example, leading, scales)
            _write(below[0] if j == 0 else top[0], example.row, goes_on=j > 0)
            beside = len(leading) if j == 0 else 1
            _draw_batch(top[beside:], below[beside:], row, batch, scales)
    cut = f" The first {len(shown)} of {len(operators)} operators." if len(shown) < len(operators) else ""
    caption = _caption(scales, drawn, clean_known="clean" in leading) + cut
    figure.suptitle(textwrap.fill(caption, int(CAPTION_CHARACTERS_PER_INCH * figure.get_figwidth())), fontsize=10)
    return figure


def _common_scales(drawn: list[Example], characters: int) -> Scales:
    low, high = np.median([_range(example.images["image"]) for example in drawn], axis=0)
    return Scales(
        (float(low), float(high)), float(np.median([np.percentile(np.abs(x.error), 99.5) for x in drawn])), characters
    )


def _caption(scales: Scales, drawn: list[Example], *, clean_known: bool) -> str:
    low, high = scales.images
    deviations = f"; standard deviations: 0 to {scales.errors:.2f}" if any("deviation" in x.images for x in drawn) else ""
    clean = ", clean images" if clean_known else ""
    return (
        f"Grey scale of originals{clean} and reconstructions: {low:.2f} (black) to {high:.2f} (white). "
        f"Errors, against the {'clean' if clean_known else 'measured'} image: {-scales.errors:.2f} to {scales.errors:.2f}"
        f"{deviations}. Measurements: a scale of their own. "
        f"Scores are those of the image shown: {picture_legend([x.row for x in drawn])}."
    )


def _draw_leading(panels: list[Axes], example: Example, leading: list[str], scales: Scales) -> None:
    """Draw original, clean image and measurement, which all methods on one operator share."""
    for axes, name in zip(panels, leading, strict=False):
        if name in example.images:
            image, title = example.images[name], _filled(LEADING[name], scales.characters)
            _show(axes, image, _range(image) if name == "measurement" else scales.images, title)
            if name == "image":
                scale_bar(axes, image.shape[-1], example.pixel_size_angstrom)


def _draw_batch(
    top: list[Axes], below: list[Axes], row: dict[str, Example], batch: list[tuple[str, str]], scales: Scales
) -> None:
    """Each method's reconstruction and its error under it; or what samplers say of their own uncertainty."""
    for axes, axes_below, (method, name) in zip(top, below, batch, strict=False):
        if method not in row or name not in row[method].images:
            continue
        example = row[method]
        if name == "deviation":  # from zero to the scale of the errors
            title = _filled("standard deviation, " + method_words(example.row), scales.characters)
            _show(axes, example.images[name], (0.0, scales.errors), title)
        else:
            _show(axes, example.images[name], scales.images, _title(example.row, scales.characters))
            _show(axes_below, example.error, (-scales.errors, scales.errors), "error")


def _canvas(operators: int, columns: int, panel: float) -> tuple[Figure, list[list[Axes]]]:
    """Return an empty figure with two rows of panels per operator, at most 1600 px wide so that it needs no scrolling."""
    width = max(panel * columns, WIDTH_INCHES * 0.6)
    titles = 0.75 if panel >= ROOMY_PANEL_INCHES else 1.5  # titles of narrow panels take more lines
    figure = Figure(figsize=(width, operators * (2 * panel + titles) + 0.8), dpi=DOTS_PER_INCH, layout="constrained")
    grid = figure.subplots(2 * operators, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
        axes.xaxis.set_visible(False)  # else each title is placed by ticks that are not drawn: half of the time
        axes.yaxis.set_visible(False)
    return figure, grid.tolist()


def _range(image: Image) -> tuple[float, float]:
    low, high = np.percentile(image, [0.5, 99.5])
    return float(low), float(high)


def _show(axes: Axes, image: Image, scale: tuple[float, float], title: str) -> None:
    axes.imshow(image, cmap="gray", vmin=scale[0], vmax=scale[1], interpolation="nearest")
    axes.set_title(title, fontsize=9)


def _write(axes: Axes, row: pd.Series, *, goes_on: bool) -> None:
    """What the operator is, where no image is."""
    lines = [row["data"], *operator_label(row).split(", ")]
    if not goes_on:
        lines += [f"C = {row['compression_dof']:.3g} dof", f"particle {row['particle']}"]
    text = "\n".join([*lines, *(["(goes on)"] if goes_on else [])])
    axes.text(0.0, 1.0, text, va="top", fontsize=10, transform=axes.transAxes)


def _title(row: pd.Series, characters: int) -> str:
    """Return method and scores, in lines of at most ``characters``."""
    scores = picture_words(row)
    pairs = ["  ".join(scores[i : i + 2]) for i in range(0, len(scores), 2)]
    lines = pairs if all(len(pair) <= characters for pair in pairs) else scores
    return "\n".join([_filled(method_words(row), characters), *lines])


def _filled(text: str, characters: int) -> str:
    """Lines of so many characters, of whole words."""
    return textwrap.fill(text, characters, break_long_words=False, break_on_hyphens=False)
