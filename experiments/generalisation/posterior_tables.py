"""Tables of posterior.py."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from analyse import interval, markdown
from intervals import LEVELS
from molecules import BUILT_IN, GROEL

CELL = ["family", "snr", "coloured"]
OURS, RIVAL = "posterior mean", "Wiener"
KINDS = ("Student", "ranks")  # of intervals
METHODS = (RIVAL, "learned", OURS, "one sample")


def tables(rows: pd.DataFrame, cells: int) -> tuple[pd.DataFrame, str]:
    """-> one row for each molecule and cell; and Markdown: the built-in molecule, unseen folds, GroEL.

    ``cells``: how many there are of all molecules.
    """
    intervals = [f"{kind} {level:.0%}{part}" for kind in KINDS for level in LEVELS for part in ("", " in the middle")]
    rows = rows.reindex(columns=[*rows, *(name for name in intervals if name not in rows)])
    table = pd.DataFrame([_line(key, of) for key, of in rows.groupby(["molecule", *CELL])])
    folds = table[~table["molecule"].isin([BUILT_IN, GROEL])]
    groups = {
        "The built-in molecule": table[table["molecule"] == BUILT_IN],
        "Means over molecules of folds that were held out": folds,
        "GroEL's map": table[table["molecule"] == GROEL],
    }
    parts = [
        f"Correlation to the clean image, and what {OURS} is ahead of {RIVAL} by, with the 95 % interval over molecules\n"
        "(of one molecule over its particles). *Ahead*: on how many molecules, by the few particles seen of each, in PSNR\n"
        "and in correlation.",
        *(f"{name}.\n\n{_means(of)}" for name, of in groups.items() if len(of)),
        _behind(table, cells),
        _missing(table),
        "Share of pixels in intervals of 50 and 90 %: Student's of 8, which take samples to be Gaussian, and, of the\n"
        "molecules of which so many were drawn, between ordered samples of 19 (in brackets: within a quarter of the box of\n"
        "its middle); the deviation of samples over the error of their mean, which would be 0.94 for 8 that are right.",
        *(f"{name}.\n\n{_covered(of)}" for name, of in groups.items() if len(of)),
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


def _ahead(of: pd.DataFrame, score: str, digits: int) -> str:
    """-> what it is ahead by, with the 95 % interval over molecules, or over the particles of the one that there is."""
    columns = [f"{score} ahead", f"{score} ahead low", f"{score} ahead high"]
    mean, low, high = interval(of[columns[0]]) if len(of) > 1 else of[columns].iloc[0]
    return f"{mean:+.{digits}f}" + ("" if pd.isna(low) else f" ({low:+.{digits}f} to {high:+.{digits}f})")


def _cells(table: pd.DataFrame) -> Iterator[tuple[list[str], pd.DataFrame]]:
    """-> each cell in words, with how many molecules and particles were seen of it, and its rows."""
    for (family, snr, coloured), of in table.groupby(CELL):
        few, many = of["particles"].min(), of["particles"].max()
        seen = f"{len(of)} x {few}" + (f" to {many}" if many > few else "")
        yield [str(family).replace("_", " "), "coloured" if coloured else "white", f"{snr:g}", seen], of


HEAD = ["masks", "noise", "SNR", "molecules x particles"]


def _means(table: pd.DataFrame) -> str:
    lines = []
    for words, of in _cells(table):
        ahead = [int((of[f"{score} ahead"] > 0).sum()) for score in ("psnr", "correlation")]
        line = [*words, *(f"{of[f'correlation {name}'].mean():.3f}" for name in METHODS)]
        lines.append([*line, _ahead(of, "psnr", 1), _ahead(of, "correlation", 2), f"{ahead[0]}, {ahead[1]} of {len(of)}"])
    return markdown([*HEAD, *METHODS, "dB ahead", "correlation ahead", "ahead"], lines)


def _behind(table: pd.DataFrame, cells: int) -> str:
    """-> the molecules and cells in which it was not ahead, and how many were never run."""
    found = table[(table["psnr ahead"] <= 0) | (table["correlation ahead"] <= 0)]
    said = f"Run: {len(table)} of {cells} cells of a molecule. Not ahead of {RIVAL} in PSNR or in correlation: {len(found)}"
    each = []
    for _, row in found.iterrows():
        where = f"{row['family'].replace('_', ' ')}, SNR {row['snr']:g}{', coloured' if row['coloured'] else ''}"
        ahead = f"{row['psnr ahead']:+.2f} dB, correlation {row['correlation ahead']:+.3f}"
        each.append(f"- {row['molecule']}, {where}, particles {row['particles']}: {ahead}")
    return "\n".join([said + (":\n" if each else "."), *each])


def _missing(table: pd.DataFrame) -> str:
    """-> of each cell that was begun, the molecules that were not run in it."""
    everyone, lines = set(table["molecule"]), []
    for words, of in _cells(table):
        left = sorted(everyone - set(of["molecule"]))
        lines += [f"- {words[0]}, {words[1]}, SNR {words[2]}: {', '.join(left)}"] if left else []
    return "\n".join(["Not run:", "", *lines]) if lines else "All were run."


def _covered(table: pd.DataFrame) -> str:
    names = [f"{kind} {level:.0%}" for kind in KINDS for level in LEVELS]
    lines = []
    for words, of in _cells(table):
        shares = [(of[name].mean(), of[f"{name} in the middle"].mean()) for name in names]
        line = [*words, *("" if pd.isna(everywhere) else f"{everywhere:.1%} ({middle:.1%})" for everywhere, middle in shares)]
        lines.append([*line, f"{of['deviation over error'].mean():.2f}"])
    return markdown([*HEAD, *names, "deviation / error"], lines)
