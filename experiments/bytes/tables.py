"""Tables in words, and the one of trellises."""

from __future__ import annotations

import pandas as pd
from scipy.stats import t as student

CELL = ["molecule", "snr", "seed"]
RIVALS = {f"trellis, {each}": f"{each}, as the trellis" for each in ("2 bits", "1 bit", "1 bit, unmasked")}
ANSWERS = {"nothing_lost": 0.95, "balanced": 0.85, "most_structures": 0.60}  # and the share that is looked for
RIVALS |= {name: name + ", scalar" for name in ANSWERS}


def of_trellises(points: pd.DataFrame) -> str:
    """-> trellises against the scalar quantisers of as many bits, and answers with them against those without, in pairs."""
    columns = ["trellis", "instead of", "bytes over the other's", "equivalent particles more (95 %)", "shells more, masked"]
    lines, by_name = [], {str(name): group.set_index(CELL) for name, group in points.groupby("scheme")}
    for one, other in RIVALS.items():
        if one not in by_name or other not in by_name:
            continue
        both = by_name[one].join(by_name[other].add_suffix("_other"), how="inner")
        gain = 100 * (both["equivalent_measured"] - both["equivalent_measured_other"])
        spent = both["bytes_measured"] / both["bytes_measured_other"]
        shells = both["lost_masked_other"] - both["lost_masked"]
        error = gain.std() / len(gain) ** 0.5 * float(student.ppf(0.975, max(len(gain) - 1, 1)))
        more = f"{gain.mean():+.1f} ({gain.mean() - error:+.1f} to {gain.mean() + error:+.1f})"
        lines.append([one, other, spread(spent, "{:.3f}"), f"{more}, {len(gain)} data sets", spread(shells, "{:+.1f}")])
    return markdown(columns, lines)


def of_answers(points: pd.DataFrame) -> str:
    """-> what the answers take and leave, for each molecule and SNR: the mean over the seeds, and the lowest and highest."""
    columns, lines = ["molecule", "SNR", "seeds"], []
    for name in ANSWERS:
        columns += [f"{name}: times smaller", "equivalent particles", "shells lost, masked"]
    told = []
    for name, wanted in ANSWERS.items():
        kept = points[points["scheme"] == name]["equivalent_measured"]
        told.append(f"{name} keeps at least {wanted:.0%} in {(kept >= wanted).sum()} of {len(kept)} data sets")
    for (molecule, snr), group in points.groupby(["molecule", "snr"]):
        found = {str(name): rows for name, rows in group.groupby("scheme")}
        if not set(ANSWERS) <= set(found):
            continue
        line = [str(molecule), f"{snr:g}", str(len(found["nothing_lost"]))]
        for rows in (found[name] for name in ANSWERS):
            line += [spread(rows["times_smaller"], "{:.1f}"), spread(100 * rows["equivalent_measured"], "{:.1f}")]
            line += [spread(rows["lost_masked"], "{:.1f}")]
        lines.append(line)
    first = "The answers of `cryosense advise`, mean over seeds (lowest to highest); " + ", ".join(told)
    return first + ":\n\n" + markdown(columns, lines)


def spread(values: pd.Series, form: str) -> str:
    """-> mean (lowest to highest)."""
    low, high = form.format(values.min()), form.format(values.max())
    return form.format(values.mean()) + ("" if low == high else f" ({low} to {high})")


def markdown(columns: list[str], rows: list[list[str]]) -> str:
    """-> a table."""
    return "\n".join("| " + " | ".join(line) + " |" for line in [columns, ["---"] * len(columns), *rows])
