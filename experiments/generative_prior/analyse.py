"""Tables and figure from the rows of run.py.

python experiments/generative_prior/analyse.py        # from the top of the checkout; writes results.md and figure.png
"""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from cryosense.reporting.tables.collect import collect
from cryosense.reporting.tables.formats import markdown_table, method_label, operator_label
from cryosense.reporting.tables.intervals import mean_intervals
from cryosense.reporting.tables.summary import summarise

HERE = Path(__file__).parent
RUNS = {"samplers": Path("outputs/generative_prior/runs"), "all particles": Path("outputs/generative_prior/all")}
TOWARDS_CLEAN = Path("outputs/generative_prior/towards_clean")
SCORES = ["psnr", "ssim", "lpips", "psnr_clean", "correlation_clean"]
FIGURE = {"psnr": "PSNR, dB", "lpips": "LPIPS", "correlation_clean": "correlation with clean", "seconds": "seconds per image"}
LEVEL, RESAMPLES = 0.95, 2000


def labelled(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows that are counted, with the names of their method and operator."""
    rows = rows[~rows["held_back"]]
    names = rows.apply(lambda row: method_label(row.drop("weight")), axis=1)
    return rows.assign(method=names, operator_name=rows.apply(operator_label, axis=1))


def differences(rows: pd.DataFrame, pairs: list[tuple[str, str]]) -> str:
    """First minus second method of each pair, over the images that both have: mean and interval, as a Markdown table."""
    lines = ["| operator | methods | images | " + " | ".join(SCORES) + " |", "|---|---|---|" + "---|" * len(SCORES)]
    for operator, group in rows.groupby("operator_name", sort=False):
        images = {method: frame.set_index("particle")[SCORES] for method, frame in group.groupby("method")}
        for first, second in pairs:
            if first not in images or second not in images:
                continue
            both = (images[first] - images[second]).dropna()
            found = mean_intervals(both.to_numpy(float), resamples=RESAMPLES, level=LEVEL, seed=0)
            cells = [
                f"{mean:+.3f} ({low:+.3f} to {high:+.3f})"
                for mean, low, high in zip(found.mean, found.low, found.high, strict=True)
            ]
            lines.append(f"| {operator} | {first} - {second} | {len(both)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def controls(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """-> every trained posterior and the same sampler with the Gaussian of the same spectrum."""
    trained = [name for name in rows["method"].unique() if name.startswith("posterior ddpm")]
    return [(name, name.replace(" ddpm ", " gaussian ")) for name in trained]


def against_nesterov(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """-> single samples in 20 and 50 evaluations against the paper's sampler in 1000."""
    names = [name for name in rows["method"].unique() if name.startswith("posterior ddpm") and name.endswith(("1x20", "1x50"))]
    return [(name, "posterior ddpm nesterov 1x1000") for name in names]


def draw(rows: pd.DataFrame, path: Path) -> None:
    """NFE against scores and seconds, single samples; baselines as lines across."""
    operators = list(rows["operator_name"].unique())
    figure, axes = plt.subplots(len(operators), len(FIGURE), figsize=(17, 4 * len(operators)), squeeze=False)
    for line, operator in zip(axes, operators, strict=True):
        group = rows[rows["operator_name"] == operator]
        for axis, (score, title) in zip(line, FIGURE.items(), strict=True):
            curves(axis, group, score)
            axis.set(
                xscale="log",
                xlim=(group["nfe"].min() * 0.8, group["nfe"].max() * 1.25),
                title=title,
                xlabel="network evaluations",
            )
        line[3].set_yscale("log")
        line[0].set_ylabel(operator.replace(", ", "\n"))
    named = {label: handle for line in axes for handle, label in zip(*line[0].get_legend_handles_labels(), strict=True)}
    figure.legend(list(named.values()), list(named), loc="lower center", ncols=7, fontsize=9)
    figure.tight_layout(rect=(0, 0.04 + 0.06 / len(operators), 1, 1))
    figure.savefig(path, dpi=90)
    plt.close(figure)


def curves(axis: plt.Axes, group: pd.DataFrame, score: str) -> None:
    """One score of all methods on one operator."""
    colours = dict(
        zip(["stationary", "ddnm", "diffpir", "pigdm", "dps", "jacobian", "nesterov"], plt.cm.tab10.colors, strict=False)
    )
    for (sampler, prior), frame in group[group["samples"] == 1].groupby(["sampler", "prior"]):
        means = frame.groupby("nfe")[score].mean()
        style = {"ddpm": "-o", "gaussian": ":x"}[prior]
        axis.plot(means.index, means, style, color=colours[sampler], label=f"{sampler}, {prior}", markersize=4)
    for (sampler, prior), frame in group[group["samples"] > 1].groupby(["sampler", "prior"]):
        if prior == "ddpm":
            label = f"{sampler}, mean of 8"
            axis.plot(
                frame["nfe"], frame[score].mean() + 0 * frame["nfe"], "*", color=colours[sampler], label=label, markersize=12
            )
    for name, style in {"pinv": "-", "wiener": "--", "dct": "-.", "tv": ":"}.items():
        axis.axhline(group.loc[group["reconstructor"] == name, score].mean(), color="0.4", linestyle=style, label=name)


def tables(rows: pd.DataFrame) -> str:
    """-> one line per operator and method."""
    return markdown_table(summarise(rows, resamples=RESAMPLES, level=LEVEL, seed=0), LEVEL)


def main() -> None:
    """Write the tables and the figure."""
    text = ["# Results, written by analyse.py\n"]
    for title, folder in RUNS.items():
        rows = labelled(collect(folder).rows)
        text += [f"## {title.capitalize()}\n", tables(rows.drop(columns=["method", "operator_name"]))]
        text += [
            "### What learning adds: trained minus Gaussian denoiser, same sampler\n",
            differences(rows, controls(rows)),
            "",
        ]
        if title == "samplers":
            text += ["### Against the paper's sampler\n", differences(rows, against_nesterov(rows)), ""]
            draw(rows, HERE / "figure.png")
        else:
            best = [name for name in rows["method"].unique() if name.startswith("posterior ddpm")]
            pairs = [(name, rival) for name in best for rival in ("pinv", "wiener gaussian", "dct", "tv")]
            text += ["### The posterior mean against the others\n", differences(rows, pairs), ""]
    text += ["### Linear methods that may learn from clean images\n", tables(collect(TOWARDS_CLEAN).rows)]
    (HERE / "results.md").write_text("\n".join(text))
    print("\n".join(text))


if __name__ == "__main__":
    main()
