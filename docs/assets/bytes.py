"""The picture of the front page, from the committed table of experiments/bytes_on_disk. Run from the root of a checkout.

python docs/assets/bytes.py; the table is made by python experiments/bytes_on_disk/run.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cryosense.reporting.style import BLUE, GREEN, ORANGE, PURPLE, VERMILION

TABLE = Path("experiments/bytes_on_disk/results_molecule.csv")
PICTURE = Path(__file__).with_name("bytes.png")
SCHEME, BYTES, WORTH, RESOLUTION = "scheme", "bytes a particle", "by the cross-FSC", "resolution (Å)"
# A family of schemes: how it is drawn, and on which side its names stand. The first that a scheme's name matches is its own.
FAMILIES = {
    "nothing is lost": ("lossless", "0.35", "s", "left"),
    "designed masks": ("designed masks", ORANGE, "v", "left"),
    "flat masks": ("masks", VERMILION, "v-", "right"),
    "inside the resolution only": ("inside", GREEN, "D", "left"),
    "signs": ("sign", PURPLE, "*", "below"),
    "coefficients, coded": ("bits", BLUE, "o-", "right"),
}
SIDES = {
    "left": {"xytext": (-5, 5), "ha": "right"},
    "right": {"xytext": (6, -10), "ha": "left"},
    "below": {"xytext": (-5, -11), "ha": "right"},
}
# Too near to others to be read.
LEFT_OUT = ("4 levels", "sign inside, fine lowest shells", "pixels, 2 bits", "pixels, 1 bits", "sign of pixels")


def table(path: Path) -> pd.DataFrame:
    """Return the table, shares as percentages, without the schemes that are left out."""
    made = pd.read_csv(path)
    return made[~made[SCHEME].isin(LEFT_OUT)].assign(**{WORTH: 100 * made[WORTH]})


def draw(made: pd.DataFrame, title: str) -> Figure:
    """Return the figure: bytes against resolution, where the table has it, and against what particles are worth in a map."""
    shown = [name for name in (RESOLUTION, WORTH) if name in made]
    figure = Figure(figsize=(5.6 * len(shown), 4.4), dpi=110, layout="constrained")
    for axes, name in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        draw_schemes(axes, made, name)
        axes.set(xscale="log", xlabel="bytes per particle, poses and CTF included")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.margins(x=0.15, y=0.12)
        if name == RESOLUTION:
            axes.set_ylabel("resolution of the map (Å), half maps at 0.143")
            axes.invert_yaxis()
        else:
            axes.set_ylabel("worth in a map (% of the particles)")
            fewer = made[made[SCHEME].str.startswith("float16")].iloc[0]
            few = np.geomspace(made[BYTES].min(), fewer[BYTES], 100)
            axes.plot(few, 100 * few / fewer[BYTES], ":", color="0.35", label="fewer particles, as float16")
    handles, labels = figure.axes[-1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    figure.suptitle(title, fontsize=10)
    return figure


def draw_schemes(axes: Axes, made: pd.DataFrame, name: str) -> None:
    """A mark for each scheme, families in one colour, with the scheme's name in short beside it."""
    left = made
    for words, (pattern, colour, style, side) in FAMILIES.items():
        rows = left[left[SCHEME].str.contains(pattern)].sort_values(BYTES)
        left = left.drop(rows.index)
        if not len(rows):
            continue
        axes.plot(rows[BYTES], rows[name], style, color=colour, linewidth=0.8, markersize=7, label=words)
        where = SIDES[side]
        for line in rows.to_dict("records"):
            place = (line[BYTES], line[name])
            axes.annotate(short(line[SCHEME]), place, textcoords="offset points", fontsize=7, color=colour, **where)


def short(scheme: str) -> str:
    """What tells a scheme from others of its family."""
    for word in (", lossless", " inside the resolution", "flat masks C = 2.5, ", "designed masks, "):
        scheme = scheme.replace(word, "")
    return scheme


def main() -> None:
    """Draw."""
    title = TABLE.with_suffix(".md").read_text().splitlines()[0].lstrip("# ")
    draw(table(TABLE), title).savefig(PICTURE)
    print(PICTURE)


if __name__ == "__main__":
    main()
