"""How figures look alike: colours that colour-blind readers tell apart, methods in words, resolutions in Å, scale bars."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes

# Okabe and Ito's, without the yellow, which is lost on white paper; black is the baseline's.
BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
LINES = ("-", "--", "-.", ":")
WORDS = {
    "zero_filled": "zero-filled",
    "fourier_crop": "lowest frequencies",
    "quantised": "quantised pixels",
    "pinv": "pseudo-inverse",
    "wiener": "Wiener",
    "dct": "DCT",
    "tv": "total variation",
    "unrolled": "learned solver",
    "learned_posterior": "learned posterior",
    "cnn": "network",
    "ddpm": "diffusion model",
    "gaussian": "Gaussian",
    "gaussian_clean": "Gaussian of clean images",
}
# A bar is as long as the largest of these that takes at most a quarter of the box.
BAR_LENGTHS = tuple(digit * 10**power for power in range(-1, 6) for digit in (1, 2, 5))


def plain_text() -> AbstractContextManager[None]:
    """Return a context in which names with dollar signs are drawn as they are, not as formulas."""
    context: AbstractContextManager[None] = rc_context({"text.parse_math": False})
    return context


def method_words(line: pd.Series) -> str:
    """Return a method in words, for figures and for print: what it is, its prior and samples; not its weight or sampler."""
    name, _, settings = str(line["reconstructor"]).partition(" ")
    words = [WORDS.get(name, name.replace("_", " ")), *settings.split()]
    if pd.notna(line["prior"]) and line["prior"] != name and name != "wiener":
        words += [WORDS.get(part, part) for part in str(line["prior"]).split()]
    said = " ".join(words).removeprefix("posterior ")
    if pd.notna(line["samples"]) and line["samples"] >= 1:
        said += f", {line['samples']:.0f} sample{'s' if line['samples'] > 1 else ''}"
    return said


def label_words(label: str) -> str:
    """Return a label of ``method_label`` with its names in words: ``tv w=0.1`` is total variation w=0.1."""
    names = [WORDS.get(part, part) for part in label.split() if part != "stationary"]
    return " ".join(names).removeprefix("posterior ").replace("Wiener Gaussian", "Wiener")


def look(number: int) -> tuple[str, str]:
    """Return colour and line style of the n-th of many: each pair once before any comes again."""
    return COLOURS[number % len(COLOURS)], LINES[number // len(COLOURS) % len(LINES)]


def resolution_axis(axes: Axes, highest_per_angstrom: float) -> None:
    """Label an axis of frequencies by the resolutions in Å that they stand for."""
    ticks = np.linspace(0, highest_per_angstrom, 7)[1:]
    axes.set_xlim(0, highest_per_angstrom)
    axes.set_xticks(ticks, [f"{1 / tick:.3g}" for tick in ticks])
    axes.set_xlabel("resolution (Å)")


def thresholds(axes: Axes, levels: Sequence[float]) -> None:
    """Draw levels across, each with its number at the right end."""
    for level in levels:
        axes.axhline(level, color="0.55", linewidth=0.8, linestyle="--", zorder=0)
        axes.annotate(
            f"{level:g}", (1.0, level), (2, 0), xycoords=("axes fraction", "data"), textcoords="offset points", fontsize=8,
            color="0.35", va="center",
        )  # fmt: skip


def scale_bar(axes: Axes, side_pixels: int, pixel_size_angstrom: float | None, *, upwards: bool = False) -> None:
    """Draw a bar into the lower left corner of an image, in Å, or in pixels where their size is not known.

    Args:
        upwards: the first row of pixels is the lowest.
    """
    size = pixel_size_angstrom or 1.0
    told = max((each for each in BAR_LENGTHS if each <= side_pixels * size / 4), default=BAR_LENGTHS[0])
    length, margin = told / size, 0.05 * side_pixels
    at = margin if upwards else side_pixels - 0.5 - margin
    axes.plot([margin, margin + length], [at, at], color="white", linewidth=4.5, solid_capstyle="butt")
    axes.plot([margin, margin + length], [at, at], color="black", linewidth=2.5, solid_capstyle="butt")
    words = f"{told:g} {'px' if pixel_size_angstrom is None else 'Å'}"
    axes.annotate(
        words, (margin + length / 2, at), (0, 4), textcoords="offset points", ha="center", fontsize=8, color="black",
        bbox={"facecolor": "white", "alpha": 0.75, "pad": 0.6, "linewidth": 0},
    )  # fmt: skip
