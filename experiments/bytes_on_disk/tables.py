"""The tables of run.py as text: means over seeds, efficiency in short, Markdown."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from efficiency import WEAK


def table(rows: pd.DataFrame, formats: dict[str, Callable[[object], str]]) -> str:
    """-> Markdown."""
    cells = [[formats.get(name, str)(value) for name, value in line.items()] for _, line in rows.iterrows()]
    lines = [list(rows.columns), ["---"] * len(rows.columns), *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


SHOWN = {
    "bits a pixel": "{:.3f}".format,
    "bytes a particle": "{:.0f}".format,
    "times smaller": "{:.1f}".format,
    "±": "{:.1%}".format,
    **dict.fromkeys(("by the cross-FSC", "by half maps", "float16 particles for these bytes"), "{:.1%}".format),
    "resolution (Å)": "{:.2f}".format,
    **dict.fromkeys(
        ("same shells, not quantised", "predicted", "± of the difference"),
        lambda share: "" if share != share else f"{share:.1%}",
    ),
}


def mean_rows(of_seeds: list[pd.DataFrame]) -> pd.DataFrame:
    """-> means over seeds; the interval is that of the mean, and the range of several seeds stands beside it."""
    every = pd.concat(of_seeds, ignore_index=True)
    groups = every.groupby("scheme", sort=False)
    rows = groups.mean().reset_index()
    rows["±"] = groups["±"].agg(lambda each: float(np.sqrt((each**2).sum()) / len(each))).to_numpy()
    if len(of_seeds) > 1:
        found = groups["by the cross-FSC"]
        ends = zip(found.min(), found.max(), strict=True)
        rows.insert(rows.columns.get_loc("±") + 1, "of the seeds", [f"{low:.1%} to {high:.1%}" for low, high in ends])
    return rows


def summary(shells: pd.DataFrame) -> str:
    """-> of each scheme, how far efficiency in its shells is from what was predicted."""
    lines = []
    for name, group in shells.groupby("scheme", sort=False):
        weak = group[group["particle snr"] < WEAK]
        roughly, miss = ((group["measured"] - group[name]).abs() for name in ("exact", "each particle"))
        worst = group.loc[miss.idxmax()]
        lines.append(
            {
                "scheme": name,
                "eta": group["eta"].iloc[-1],
                "measured, weak shells": weak["measured"].mean(),
                "largest error of eta there": (weak["measured"] - weak["eta"]).abs().max(),
                "of the prediction by amplitudes, all shells": roughly.max(),
                "of the prediction by particles, all shells": miss.max(),
                "in shell": int(worst["shell"]),
                "chance there": worst["chance"],
                "shells beyond 0.03 and twice chance": int(((miss > 0.03) & (miss > 2 * group["chance"])).sum()),
            }
        )
    frame = pd.DataFrame(lines)
    numbers = [name for name in frame.columns if frame[name].dtype.kind == "f"]
    return "Efficiency per shell (the added noise between maps of the same particles):\n\n" + table(
        frame, dict.fromkeys(numbers, "{:.3f}".format)
    )
