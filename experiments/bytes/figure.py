"""The points of the study on one axis of bits: equivalent particles above, where the map ends below."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cryosense.reporting.style import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION

TRELLISES = "deeppink"
SCALAR = ("0.5", "P", "answers without trellises")
# Of names of schemes, by how they begin: colour, marker, words.
KINDS = {
    "float16": ("0.4", "s", "float16, lossless"),
    "flat masks": (VERMILION, "^", "flat Fourier masks, C = 2.5, float32, float16 and 2 bits"),
    "pixel masks": (PURPLE, "v", "pixel masks, K = 4, C = 2.5, float32"),
    "pixels": ("0.7", "D", "pixels, 1 bit"),
    "trellis": (TRELLISES, "d", "trellis, 1 and 2 bits"),
    "sign": (ORANGE, "*", "signs"),
    "nothing_lost": ("black", "P", "answers of advise"),
    "balanced": ("black", "P", ""),
    "most_structures": ("black", "P", ""),
}
INSIDE, BITS, FEWER = (
    (GREEN, "o", "2 bits inside the resolution"),
    (BLUE, "o", "uniform steps, 1 to 3 bits"),
    (SKY, "x", "fewer particles, float16"),
)
OTHERS = Path(__file__).parents[1] / "resolution_vs_compression" / "methods.csv"  # of the paper's schemes, of other particles


def kind_of(scheme: str) -> tuple[str, str, str]:
    """-> colour, marker and words."""
    if "inside" in scheme and not scheme.startswith("sign"):
        return INSIDE
    if scheme.endswith(", scalar"):
        return SCALAR
    if "of the particles" in scheme:
        return FEWER
    return next((kind for start, kind in KINDS.items() if scheme.startswith(start)), BITS)


def draw(points: pd.DataFrame, path: Path) -> None:
    """Write the figure: a column for each SNR."""
    tried = points[points["scheme"] != "uncompressed"]
    snrs = sorted(tried["snr"].unique())
    figure = Figure(figsize=(max(5.2 * len(snrs) + 1.0, 8.5), 8.5), dpi=110, layout="constrained")
    panels = figure.subplots(2, len(snrs), sharex=True, sharey="row", squeeze=False)
    for (upper, lower), snr in zip(panels.T, snrs, strict=True):
        rows = tried[tried["snr"] == snr]
        named: set[str] = set()
        for scheme, group in rows.groupby("scheme", sort=False):
            _points(upper, lower, group, kind_of(str(scheme)), named)
        _others(upper)
        upper.set(title=f"SNR {snr:g}, {len(rows[['molecule', 'seed']].drop_duplicates())} data sets", ylim=(0, 108))
        lower.set(xscale="log", xlabel="bits of a pixel, all included (float32: 32)", xlim=(0.1, 40))
        lower.axhline(0, color="0.6", linewidth=0.8)
        for axes in (upper, lower):
            axes.grid(alpha=0.25)
    panels[0, 0].set_ylabel("equivalent particles by the cross-FSC (%)")
    panels[1, 0].set_ylabel("shells of the masked resolution that are lost")
    panels[1, 0].invert_yaxis()
    labelled = {word: handle for axes in panels[0] for handle, word in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(labelled.values(), labelled.keys(), loc="outside lower center", ncols=min(len(snrs) + 1, 4), fontsize=8)
    figure.suptitle("Filled: measured, one for each data set; open: predicted", fontsize=10)
    figure.savefig(path)


def _points(upper: Axes, lower: Axes, group: pd.DataFrame, kind: tuple[str, str, str], named: set[str]) -> None:
    colour, marker, words = kind
    x = group["bits_a_pixel"]
    label = None if words in named or not words else words
    named.add(words)
    upper.plot(x, 100 * group["equivalent_measured"], marker, color=colour, markersize=5, label=label)
    lower.plot(x, group["lost_masked"], marker, color=colour, markersize=5)
    if marker != "x":
        pixels = 8 * group["bytes_expected"] / group["box_size"] ** 2
        upper.plot(pixels, 100 * group["equivalent_expected"], marker, color=colour, fillstyle="none", markersize=9, alpha=0.6)


def _others(axes: Axes) -> None:
    """The paper's masks as float32, by all methods of the study of resolution against compression, in which C is counted."""
    known = pd.read_csv(OTHERS)
    known = known[known["masks"].isin(["pixel K = 4", "uniform", "uniform, paper's"]) & known["worth_cross"].notna()]
    bits = 32 / known["compression_dof"].to_numpy()
    share = np.asarray(known["worth_cross"], dtype=float)
    axes.plot(
        bits, 100 * share, ".", color=VERMILION, alpha=0.25, label="the paper's masks as float32, all methods, other particles"
    )
