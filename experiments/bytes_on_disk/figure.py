"""Equivalent particles against bytes: the tables of run.py as one picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

TITLES = {"molecule": "built-in molecule", "groel": "GroEL (EMD-1997)"}
KINDS = {
    "float": ("tab:grey", "s"),
    "pixels": ("tab:brown", "v"),
    "sign": ("tab:orange", "*"),
    "masks": ("tab:red", "^"),
    "bits": ("tab:blue", "o"),
}
TO_THE_LEFT = ("inside", "pixels", "masks, 2 bits", "2.5, 2 bits")
LEFT_OUT = ("4 levels", "sign inside, fine lowest shells")  # too near to others to be read


def kind_of(scheme: str) -> str:
    """-> the kind that a scheme is drawn as."""
    if scheme.startswith("float"):
        return "float"
    return next((kind for kind in ("masks", "pixels", "sign") if kind in scheme), "bits")


def draw(folder: Path) -> None:
    """Draw the tables that lie in a folder, and write results.png there."""
    known = {name: folder / f"results_{name}.csv" for name in TITLES if (folder / f"results_{name}.csv").exists()}
    figure = Figure(figsize=(6.5 * len(known), 6), dpi=110, layout="constrained")
    panels = figure.subplots(1, len(known), squeeze=False, sharey=True)[0]
    for axes, (name, path) in zip(panels, known.items(), strict=True):
        rows = pd.read_csv(path).set_index("scheme").drop(list(LEFT_OUT), errors="ignore")
        for scheme, row in rows.iterrows():
            colour, marker = KINDS[kind_of(str(scheme))]
            size, worth = row["bytes a particle"], row["by the cross-FSC"]
            axes.errorbar(size, worth, yerr=row["±"], color=colour, marker=marker, markersize=7, capsize=3, linestyle="none")
            left = any(word in str(scheme) for word in TO_THE_LEFT)  # so that names of neighbours do not meet
            place = {"xytext": (-7, -3) if left else (7, -3), "ha": "right" if left else "left"}
            if str(scheme).startswith("float"):
                place = {"xytext": (0, 8 if "16" in str(scheme) else -14), "ha": "center"}
            axes.annotate(str(scheme), (size, worth), textcoords="offset points", fontsize=7, **place)
        whole = rows.loc["float16, lossless", "bytes a particle"]
        shares = np.geomspace(0.02, 1, 60)
        axes.plot(whole * shares, shares, ":", color="tab:grey", label="fewer particles, float16 without loss")
        axes.set(
            title=TITLES[name], xscale="log", xlim=(25, 60_000), xlabel="bytes of a particle, all included", ylim=(0, 1.08)
        )
        axes.grid(alpha=0.3)
        axes.legend(loc="lower right", fontsize=8)
    panels[0].set_ylabel("equivalent particles by the cross-FSC, as a share; bars: 95 %")
    figure.savefig(folder / "results.png")
