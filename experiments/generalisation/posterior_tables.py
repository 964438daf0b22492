"""Tables of posterior.py."""

from __future__ import annotations

import pandas as pd
from analyse import interval, markdown
from intervals import LEVELS
from molecules import BUILT_IN, GROEL

CELL = ["family", "snr", "coloured"]
OURS, RIVAL = "posterior mean", "Wiener"
ENOUGH = 8  # particles of a molecule for an interval over them
KINDS = ("ranks", "Student")  # of intervals
METHODS = (RIVAL, "learned", OURS, "one sample")


def tables(rows: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """-> one row for each molecule and cell; and Markdown: the built-in molecule, unseen folds, GroEL."""
    table = pd.DataFrame([_line(key, of) for key, of in rows.groupby(["molecule", *CELL])])
    folds = table[~table["molecule"].isin([BUILT_IN, GROEL])]
    groups = {
        "The built-in molecule": table[table["molecule"] == BUILT_IN],
        "Means over molecules of folds that were held out": folds,
        "GroEL's map": table[table["molecule"] == GROEL],
    }
    parts = [
        "Correlation to the clean image; share of pixels in intervals of 50 and 90 %, between ordered samples of 19, and in\n"
        "Student's of 8, which take them to be Gaussian (in brackets: within a quarter of the box of its middle); the\n"
        "deviation of samples over the error of their mean, which would be 0.94 for 8 that are right. *Ahead*: of how many\n"
        f"molecules the 95 % interval over particles of {OURS} less {RIVAL} lies above 0, in PSNR and in correlation.",
        *(f"{name}.\n\n{_means(of)}" for name, of in groups.items() if len(of)),
    ]
    return table, "\n\n".join(parts) + "\n"


def _line(key: tuple[object, ...], of: pd.DataFrame) -> dict[str, object]:
    line = dict(zip(["molecule", *CELL], key, strict=True)) | {"particles": len(of)}
    line |= {f"{score} {name}": of[f"{score} {name}"].mean() for score in ("psnr", "correlation") for name in METHODS}
    for score in ("psnr", "correlation"):
        ends = interval(of[f"{score} {OURS}"] - of[f"{score} {RIVAL}"])
        line |= {f"{score} ahead{end}": value for end, value in zip(("", " low", " high"), ends, strict=True)}
    line |= {name: of[name].mean() for name in of if str(name).startswith(KINDS)}
    return line | {"deviation over error": ((of["deviation"] ** 2).mean() / (of["error"] ** 2).mean()) ** 0.5}


def _ahead(of: pd.DataFrame) -> str:
    """-> dB ahead, with the 95 % interval over molecules, or over the particles of the one that there is."""
    columns = ["psnr ahead", "psnr ahead low", "psnr ahead high"]
    mean, low, high = interval(of[columns[0]]) if len(of) > 1 else of[columns].iloc[0]
    return f"{mean:+.1f} ({low:+.1f} to {high:+.1f})"


def _means(table: pd.DataFrame) -> str:
    head = ["masks", "noise", "SNR", "molecules x particles", *METHODS, f"{OURS}, dB ahead", "ahead"]
    head += [f"{kind} {level:.0%}" for kind in KINDS for level in LEVELS]
    lines = []
    for (family, snr, coloured), of in table.groupby(CELL):
        ahead = [int((of[f"{score} ahead low"] > 0).sum()) for score in ("psnr", "correlation")]
        line = [str(family), "coloured" if coloured else "white", f"{snr:g}", f"{len(of)} x {of['particles'].min()}"]
        line += [f"{of[f'correlation {name}'].mean():.3f}" for name in METHODS]
        line += [_ahead(of), f"{ahead[0]}, {ahead[1]} of {len(of)}" if of["particles"].min() >= ENOUGH else "too few to tell"]
        names = [f"{kind} {level:.0%}" for kind in KINDS for level in LEVELS]
        line += [f"{of[name].mean():.1%} ({of[f'{name} in the middle'].mean():.1%})" for name in names]
        lines.append([*line, f"{of['deviation over error'].mean():.2f}"])
    return markdown([*head, "deviation / error"], lines)
