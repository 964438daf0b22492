"""The rows of the study's runs, named, and tables of them."""

import json
from functools import cache
from pathlib import Path

import pandas as pd
import yaml
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from cryosense.cli.conf_dir import conf_dir
from cryosense.reporting.tables.collect import collect

OPERATORS = yaml.safe_load((Path(__file__).parent / "operators.yaml").read_text())
LINES = [
    operator["name"] + suffix
    for operator in OPERATORS
    for suffix in ((", mean kept", ", mean missed") if operator["name"].endswith("paper's masks") else ("",))
]
BOX_SIZE = 128
METHODS = ["zero_filled", "fourier_crop", "quantised", "pinv", "wiener", "dct", "wavelet", "tv"]
PRIORS = ["dct", "wavelet", "tv"]
ROUNDING_DB = 1e-4
SIGNED = "{:+.2f}"


def operator_name(row: pd.Series) -> str:
    """-> the name in operators.yaml."""
    if row["operator"] == "pixel":
        return f"pixel K = {row['block_size']:.0f}, b = {round(row['block_size'] ** 2 / row['compression_nominal'])}"
    convention = ", symmetric" if row["symmetric"] else ", paper's masks"
    return f"Fourier {row['masks']} p = {1 / row['compression_nominal']:.1f}" + convention * (row["masks"] != "ring")


def read_rows(directory: Path) -> pd.DataFrame:
    """-> all rows below a directory with the columns run (its directory), name (of the operator), line, and those of the fit.

    A line is an operator, but that draws of the paper's masks which miss the coefficient of the image's mean are lines of
    their own: that coefficient alone costs more than all methods differ by.
    """
    collected = collect(directory)
    for run, reason in collected.left_out:
        raise SystemExit(f"{run}: {reason}")
    run_of = {json.loads((run / "summary.json").read_text())["run_id"]: run for run in collected.runs}
    rows = collected.rows.assign(run=collected.rows["run_id"].map(run_of))
    rows["name"] = rows.apply(operator_name, axis=1)
    fits = [json.loads((run / "fit.json").read_text())["weight"] or {} for run in rows["run"]]
    rows["weights"], rows["weight_scores"] = [fit.get("weights") for fit in fits], [fit.get("scores") for fit in fits]
    return rows.assign(line=[_line(name, seed) for name, seed in zip(rows["name"], rows["seed"], strict=True)])


@cache
def keeps_mean(name: str, seed: int) -> bool:
    """-> whether a draw of an operator measures the coefficient of the image's mean; only the paper's masks may not."""
    overrides = next(operator["overrides"] for operator in OPERATORS if operator["name"] == name)
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        config = compose("reconstruct", overrides=[*overrides, f"seed={seed}"])
    mask = instantiate(config.operator).draw(BOX_SIZE, seed)
    return bool(mask[BOX_SIZE // 2, BOX_SIZE // 2])


def _line(name: str, seed: int) -> str:
    if not name.endswith("paper's masks"):
        return name
    return name + (", mean kept" if keeps_mean(name, seed) else ", mean missed")


def paired(rows: pd.DataFrame, score: str) -> pd.Series:
    """-> per row: its score minus that of the pseudo-inverse on the same data, operator, image and mask draw."""
    keys = ["data", "name", "particle", "seed"]
    baseline = rows[rows["reconstructor"] == "pinv"].set_index(keys)[score].rename("baseline")
    return rows[score] - rows.join(baseline, on=keys)["baseline"]


def spread(values: pd.Series, form: str) -> str:
    """-> mean and range over the draws."""
    if len(values) == 1:
        return form.format(values.iloc[0])
    return f"{form} ({form} to {form})".format(values.mean(), values.min(), values.max())


def by_method(rows: pd.DataFrame, score: str, decimals: int, methods: list[str]) -> pd.DataFrame:
    """-> operators down, methods across, mean over the draws; the best in bold."""
    means = rows.groupby(["line", "reconstructor"])[score].mean().unstack()[methods].reindex(LINES)
    best = means.min(axis=1) if score == "lpips" else means.max(axis=1)
    shown = means.map(f"{{:.{decimals}f}}".format)
    ties = means.sub(best, axis=0).abs() < 0.5 * 10**-decimals
    return shown.mask(ties, "**" + shown + "**").rename_axis("operator")


def differences(rows: pd.DataFrame, methods: list[str]) -> pd.DataFrame:
    """-> operators down, methods across: PSNR minus the pseudo-inverse's, mean and range; bold if better in every draw."""
    rows = rows.assign(difference=paired(rows, "psnr"))
    lines = {}
    for line in LINES:
        here = rows[rows["line"] == line]
        by_name = {method: here[here["reconstructor"] == method]["difference"] for method in methods}
        lines[line] = {
            m: f"**{spread(d, SIGNED)}**" if d.min() > ROUNDING_DB else spread(d, SIGNED) for m, d in by_name.items()
        }
    return pd.DataFrame(lines).T.rename_axis("operator")


def markdown(table: pd.DataFrame) -> str:
    """-> a Markdown table, the index as its first column."""
    table = table.reset_index()
    cells = [list(table.columns), ["---"] + ["---:"] * (table.shape[1] - 1), *table.astype(str).to_numpy().tolist()]
    return "\n".join("| " + " | ".join(row) + " |" for row in cells) + "\n"
