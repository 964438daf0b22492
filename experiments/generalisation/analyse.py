"""Gains over rivals with intervals, from the tables of run.py; see README.md. Writes results.csv, results.md, gains.png."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from methods import LEARNED, POSTERIOR, TV
from molecules import BUILT_IN
from omegaconf import DictConfig
from run import HERE, SHELLS, cells, settings

from cryosense.reporting.style import BLUE, GREEN, ORANGE, VERMILION

ONE, WIENER, WITH_CTF = "one molecule", "Wiener", "Wiener, CTF known"
RIVALS = (WIENER, WITH_CTF, TV, ONE)
SCORES = {"psnr": 2, "correlation": 3, **dict.fromkeys(SHELLS, 3)}  # and digits
CELL = ["coloured", "operator", "snr"]
Z95 = 1.96  # of the standard normal, 95 % two-sided


def interval(differences: pd.Series) -> tuple[float, float, float]:
    """-> the mean of paired differences over particles, and its 95 % interval."""
    mean, error = float(differences.mean()), float(differences.std(ddof=1) / np.sqrt(len(differences)))
    return mean, mean - Z95 * error, mean + Z95 * error


def gains(rows: pd.DataFrame, score: str, rival: str) -> pd.DataFrame:
    """-> for each molecule and cell: what the learned solver is ahead of a rival by, with its interval."""
    wide = rows.pivot(index=["molecule", *CELL, "particle"], columns="method", values=score)
    ahead = (wide[LEARNED] - wide[rival]).groupby(level=["molecule", *CELL])
    return pd.DataFrame([(*key, *interval(of)) for key, of in ahead], columns=["molecule", *CELL, "mean", "low", "high"])


def complete(rows: pd.DataFrame) -> pd.DataFrame:
    """-> the rows of the molecules and cells in which every method that these are compared with has been run."""
    wanted = {LEARNED, *RIVALS}
    known = rows.groupby(["molecule", *CELL])["method"].transform(lambda of: wanted <= set(of))
    if not known.all():
        print(f"left out, because not all methods have been run: {(~known).sum()} of {len(known)} rows", file=sys.stderr)
    return rows[known]


def results(rows: pd.DataFrame) -> pd.DataFrame:
    """-> mean scores of all methods and gains over all rivals, one row per molecule and cell."""
    means = rows.pivot_table(
        index=["molecule", "fold", "form", "pixel_angstrom", "fill", *CELL], columns="method", values=list(SCORES)
    )
    means.columns = [f"{score} {method}" for score, method in means.columns]
    table = means.reset_index()
    for score in ("psnr", "correlation"):
        for rival in RIVALS:
            found = gains(rows, score, rival).rename(columns={k: f"{score} - {rival} {k}" for k in ("mean", "low", "high")})
            table = table.merge(found, on=["molecule", *CELL])
    return table


def tables(table: pd.DataFrame) -> str:
    """-> Markdown: all methods on unseen molecules, gains over rivals there, and the built-in molecule."""
    unseen = table[table["molecule"] != BUILT_IN]
    folds = unseen["molecule"].nunique()
    parts = [
        f"Means over {folds} molecules that training has not seen: PSNR in dB, and correlation, to the clean image.",
        _means(unseen, {"psnr": "PSNR", "correlation": "corr."}),
        "Fourier ring correlation to the clean image at a quarter and a half of Nyquist, the same molecules.",
        _means(unseen, {name: name.split()[1] for name in SHELLS}),
        "The learned solver less its rivals on the same molecules, PSNR in dB: mean over molecules with its 95 % interval.\n"
        "*Ahead*: of how many molecules the 95 % interval over particles lies above 0, in PSNR and in correlation.",
        _gains(unseen),
        "On the built-in molecule, for which the one-molecule solver was trained: PSNR in dB, 95 % interval over particles.",
        _built_in(table[table["molecule"] == BUILT_IN]),
        _behind(unseen),
    ]
    return "\n\n".join(parts) + "\n"


def markdown(head: list[str], rows: list[list[str]], texts: int = 3) -> str:
    """-> a table, of whose columns the first are texts and the others numbers."""
    rule = ["---"] * texts + ["---:"] * (len(head) - texts)
    return "\n".join("| " + " | ".join(each) + " |" for each in (head, rule, *rows))


def _cells(table: pd.DataFrame) -> list[tuple[list[str], pd.DataFrame]]:
    """-> operator, noise and SNR in words, and the rows of each cell."""
    return [
        ([str(operator).replace("_", " "), "coloured" if coloured else "white", f"{snr:g}"], cell)
        for (coloured, operator, snr), cell in table.groupby(CELL)
    ]


def _means(unseen: pd.DataFrame, scores: dict[str, str]) -> str:
    """-> means of scores, given with the words for them, of all methods that have been run."""
    names = [name for name in (*RIVALS, LEARNED, POSTERIOR) if f"psnr {name}" in unseen]
    head = ["operator", "noise", "SNR", *(f"{name}, {word}" for name in names for word in scores.values())]
    columns = [(f"{score} {name}", SCORES[score]) for name in names for score in scores]
    rows = [[*words, *(f"{cell[column].mean():.{digits}f}" for column, digits in columns)] for words, cell in _cells(unseen)]
    return markdown(head, rows)


def _gains(unseen: pd.DataFrame) -> str:
    rivals = RIVALS
    head = ["operator", "noise", "SNR", *(word for name in rivals for word in (f"less {name}", "ahead"))]
    rows = [[*words, *(word for name in rivals for word in _against(cell, name))] for words, cell in _cells(unseen)]
    return markdown(head, rows)


def _against(cell: pd.DataFrame, rival: str) -> list[str]:
    mean, low, high = interval(cell[f"psnr - {rival} mean"])
    above = [int((cell[f"{score} - {rival} low"] > 0).sum()) for score in ("psnr", "correlation")]
    return [f"{mean:+.2f} ({low:+.2f} to {high:+.2f})", f"{above[0]}, {above[1]} of {len(cell)}"]


def _built_in(table: pd.DataFrame) -> str:
    rows = []
    for words, cell in _cells(table):
        one, ahead = cell.iloc[0], f"psnr - {ONE}"
        gain = f"{one[f'{ahead} mean']:+.2f} ({one[f'{ahead} low']:+.2f} to {one[f'{ahead} high']:+.2f})"
        rows.append([*words, *(f"{one[f'psnr {name}']:.2f}" for name in (WIENER, TV, ONE, LEARNED)), gain])
    return markdown(["operator", "noise", "SNR", WIENER, TV, ONE, LEARNED, f"{LEARNED} less {ONE}"], rows)


def _behind(unseen: pd.DataFrame) -> str:
    """-> the cells in which the learned solver is not clearly ahead of Wiener."""
    low = [f"{score} - {WIENER} low" for score in ("psnr", "correlation")]
    found = unseen[(unseen[low] <= 0).any(axis=1)]
    said = f"Not clearly ahead of Wiener in PSNR or correlation: {len(found)} of {len(unseen)} cells of a molecule"
    each = [
        f"- {row['molecule']} ({row['form']}), {row['operator']}, SNR {row['snr']}{', coloured' if row['coloured'] else ''}: "
        f"{row[f'psnr - {WIENER} mean']:+.2f} dB, correlation {row[f'correlation - {WIENER} mean']:+.3f}"
        for _, row in found.iterrows()
    ]
    return "\n".join([said + (":" if each else "."), *each])


def draw(table: pd.DataFrame, path: Path) -> None:
    """Draw each molecule's gain over Wiener, of TV and of solvers of one molecule and of many, for white noise."""
    white = table[~table["coloured"]].assign(ahead=table[f"psnr - {WIENER} mean"])
    operators, ratios = list(dict.fromkeys(white["operator"])), sorted(white["snr"].unique())
    figure = Figure(figsize=(3.2 * len(operators), 3.4), layout="constrained")
    grid = figure.subplots(1, len(operators), sharey=True, squeeze=False)[0]
    for axes, operator in zip(grid, operators, strict=True):
        axes.axhline(0, color="0.6", linewidth=0.8)
        for place, snr in enumerate(ratios):
            cell = white[(white["operator"] == operator) & (white["snr"] == snr)]
            _points(axes, place, cell[cell["molecule"] != BUILT_IN], cell[cell["molecule"] == BUILT_IN])
        axes.set_xticks(range(len(ratios)), [str(snr) for snr in ratios])
        axes.set_xlabel("SNR")
        axes.set_title(operator.replace("_", " "), fontsize=10)
    grid[0].set_ylabel("PSNR less Wiener's, dB")
    handles, labels = grid[0].get_legend_handles_labels()
    grid[-2].legend(handles[:4], labels[:4], fontsize=7, loc="upper left")
    figure.savefig(path, dpi=130)


def _points(axes: Axes, place: int, unseen: pd.DataFrame, built_in: pd.DataFrame) -> None:
    spread, ahead = np.linspace(-0.1, 0.1, len(unseen)), unseen["ahead"]
    rivals = {TV: (-0.27, "+", GREEN), ONE: (0.0, "x", ORANGE)}
    for name, (offset, marker, colour) in rivals.items():
        axes.plot(
            place + offset + spread, ahead - unseen[f"psnr - {name} mean"], marker, color=colour, label=name, markersize=4
        )
    axes.plot(place + 0.27 + spread, ahead, "o", color=BLUE, label="learned of many", markersize=3.5)
    label = "learned of many, built-in molecule"
    axes.plot([place + 0.27] * len(built_in), built_in["ahead"], "*", color=VERMILION, markersize=10, label=label)


def main() -> None:
    """Write what the tables of all molecules say."""
    study: DictConfig = settings()
    found = sorted(path for cell in cells(study) for path in (Path(study.output_dir) / cell.folder).glob("*/*.csv"))
    if not found:
        sys.exit(f"analyse.py: no tables in {study.output_dir}: python experiments/generalisation/run.py makes them")
    rows = complete(pd.concat(map(pd.read_csv, found), ignore_index=True))
    table = results(rows)
    folder = Path(study.get("results") or HERE)
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / "results.csv", index=False, float_format="%.4f")
    text = f"Learned model: {', '.join(sorted(set(rows.loc[rows['method'] == LEARNED, 'version'])))}.\n\n{tables(table)}"
    (folder / "results.md").write_text(text)
    draw(table, folder / "gains.png")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
