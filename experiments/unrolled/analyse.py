"""Tables and figures from the rows of run.py.

python experiments/unrolled/analyse.py        # from the top of the checkout; writes results.md, figure.png and images.png
"""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import yaml

from cryosense.reporting.tables.formats import method_label
from cryosense.reporting.tables.intervals import mean_intervals

HERE = Path(__file__).parent
RUNS = Path("outputs/unrolled/runs")
SCORES = {"psnr_clean": 2, "ssim_clean": 3, "lpips_clean": 3, "correlation_clean": 3, "psnr": 2}
TITLES = {"psnr_clean": "PSNR to clean, dB", "ssim_clean": "SSIM to clean", "lpips_clean": "LPIPS to clean"}
SHOWN = ["pinv", "wiener gaussian", "dct", "wavelet", "tv", "dct_", "haar_", "cnn_", "split"]  # in images.png, by first match
LEARNED = ("dct_", "haar_", "cnn_")
RESAMPLES, LEVEL = 2000, 0.95


def folder_of(cell: str) -> Path:
    """-> where run.py puts the runs of a cell."""
    return RUNS / cell.replace(",", "").replace(" ", "").replace("=", "")


def rows_of(folder: Path) -> pd.DataFrame:
    """Counted rows of all runs of a folder, with ``label``, ``method`` and ``run`` (their directory)."""
    parts = []
    for path in sorted(folder.glob("*/rows.parquet")):
        config = yaml.safe_load((path.parent / "config.yaml").read_text())
        rows = pd.read_parquet(path)
        rows = rows[~rows["held_back"]].copy()
        rows["label"] = label(rows.iloc[0], config)
        rows["method"] = str(config["method"]["_target_"]).rsplit(".", 1)[-1]
        rows["run"] = str(path.parent)
        parts.append(rows)
    return pd.concat(parts, ignore_index=True)


def label(row: pd.Series, config: dict) -> str:
    """-> the folder of a learned model, the name of any other method."""
    if row["reconstructor"] != "unrolled":
        return method_label(row.drop("weight"))
    path = Path(config["reconstructor"]["path"])
    return path.parent.name if path.name == "model" else f"{path.name}, foreign"


def interval(values: pd.Series, decimals: int, sign: str = "") -> str:
    """-> mean and interval over images."""
    found = mean_intervals(values.to_numpy(float)[:, None], resamples=RESAMPLES, level=LEVEL, seed=0)
    mean, low, high = (float(np.ravel(x)[0]) for x in (found.mean, found.low, found.high))
    return f"{mean:{sign}.{decimals}f} ({low:{sign}.{decimals}f} to {high:{sign}.{decimals}f})"


def table(rows: pd.DataFrame) -> list[str]:
    """-> Markdown, one line per method, in descending PSNR against the clean image."""
    lines = ["| method | weight | iterations | " + " | ".join(SCORES) + " | to wiener | s/image |"]
    lines += ["|---|---:|---:|" + "---:|" * (len(SCORES) + 2)]
    wiener = rows[rows["reconstructor"] == "wiener"].set_index("particle")["psnr_clean"]
    order = rows.groupby("label")["psnr_clean"].mean().sort_values(ascending=False).index
    for name in order:
        group = rows[rows["label"] == name]
        weight = "" if group["weight"].isna().all() else f"{group['weight'].iloc[0]:.3g}"
        iterations = "" if group["iterations"].isna().all() else f"{group['iterations'].mean():.0f}"
        cells = [interval(group[score], decimals) for score, decimals in SCORES.items()]
        paired = interval(group.set_index("particle")["psnr_clean"] - wiener, 2, "+")
        lines.append(f"| {name} | {weight} | {iterations} | {' | '.join(cells)} | {paired} | {group['seconds'].mean():.2g} |")
    return lines


def compared(rows: pd.DataFrame, pairs: list[list[str]]) -> list[str]:
    """-> paired differences in PSNR against the clean image, first minus second."""
    images = {name: group.set_index("particle")["psnr_clean"] for name, group in rows.groupby("label")}
    return [f"- {a} - {b}: {interval(images[a] - images[b], 2, '+')} dB" for a, b in pairs if {a, b} <= set(images)]


def draw(cells: list[str], path: Path) -> None:
    """Scores against iterations and seconds: sparse solvers as they go, everything else where it ends."""
    figure, axes = plt.subplots(len(cells), 4, figsize=(19, 4.6 * len(cells)), squeeze=False)
    panels = [("iterations", "psnr_clean"), ("seconds", "psnr_clean"), ("seconds", "ssim_clean"), ("seconds", "lpips_clean")]
    names = pd.concat([rows_of(folder_of(cell)) for cell in cells])["label"].unique()
    markers = dict(zip(names, "sD^v<>Pp*hX8dHo1234x+|_.,", strict=False))
    for line, cell in zip(axes, cells, strict=True):
        ends, curves = rows_of(folder_of(cell)), rows_of(Path(f"{folder_of(cell)}_curves"))
        for axis, (across, score) in zip(line, panels, strict=True):
            panel(axis, ends, curves, across, score, markers)
        line[0].set_title(cell)
    handles, labels = {}, {}
    for axis in axes[:, 1]:
        for handle, text in zip(*axis.get_legend_handles_labels(), strict=True):
            handles[text], labels[text] = handle, text
    figure.legend(handles.values(), labels.values(), loc="lower center", ncols=6, fontsize=9)
    figure.tight_layout(rect=(0, 0.13, 1, 1))
    figure.savefig(path, dpi=80)
    plt.close(figure)


def panel(axis: plt.Axes, ends: pd.DataFrame, curves: pd.DataFrame, across: str, score: str, markers: dict[str, str]) -> None:
    """One score against iterations or seconds."""
    colours = {"dct": "tab:blue", "wavelet": "tab:orange"}
    for (prior, method), group in curves.groupby(["reconstructor", "method"]):
        means = group.groupby("run")[[across, score]].mean().sort_values(across)
        style = {"ADMM": "-o", "FISTA": ":x"}[method]
        axis.plot(means[across], means[score], style, color=colours[prior], markersize=4, label=f"{prior}, {method}")
    for name, group in ends.groupby("label", sort=False):
        iterative = name.startswith((*LEARNED, "tv"))
        if name in colours or (across == "iterations" and not iterative):
            continue
        learned = name.startswith(LEARNED)
        axis.plot(
            group[across].mean(), group[score].mean(), markers[name], markersize=9 if learned else 6, markeredgewidth=2,
            color="tab:red" if "split" in name else "tab:green" if learned else "0.4", label=name,
        )  # fmt: skip
    axis.set(xscale="log", xlabel={"seconds": "seconds per image"}.get(across, across), ylabel=TITLES[score])


def show(cells: list[str], path: Path) -> None:
    """One particle as it was, was measured, and comes out of each method."""
    columns = ["clean", "frame", *SHOWN]
    figure, axes = plt.subplots(len(cells), len(columns), figsize=(1.55 * len(columns), 1.8 * len(cells)), squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for line, cell in zip(axes, cells, strict=True):
        runs = rows_of(folder_of(cell)).drop_duplicates("run")
        pictures: dict[str, np.ndarray] = {}
        for name in SHOWN:
            found = [r for r in runs.itertuples() if (name in r.label if name == "split" else r.label.startswith(name))]
            found.sort(key=lambda r: len(r.label))
            if found:
                with np.load(Path(found[0].run) / "example.npz") as example:
                    pictures |= {
                        "clean": example["clean"],
                        "frame": example["image"],
                        found[0].label: example["reconstruction"],
                    }
        limit = np.abs(pictures["clean"]).max()
        for axis, (name, picture) in zip(line, pictures.items(), strict=False):
            span = limit if name != "frame" else 3 * limit
            axis.imshow(picture, cmap="gray", vmin=-span, vmax=span)
            axis.set_title(name, fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=90)
    plt.close(figure)


def main() -> None:
    """Write the tables and the figures."""
    study = yaml.safe_load((HERE / "study.yaml").read_text())
    text = ["# Results, written by analyse.py", "", f"In brackets: {100 * LEVEL:g} % bootstrap intervals over images.", ""]
    for cell in study["cells"]:
        rows = rows_of(folder_of(cell))
        text += [f"## {cell}: {rows['particle'].nunique()} images", "", *table(rows), "", *compared(rows, study["pairs"]), ""]
    (HERE / "results.md").write_text("\n".join(text))
    print("\n".join(text))
    curves = [name for name, cell in study["cells"].items() if cell.get("curves")]
    draw(curves, HERE / "figure.png")
    show(curves, HERE / "images.png")


if __name__ == "__main__":
    main()
