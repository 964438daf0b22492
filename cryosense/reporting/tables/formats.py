"""A summary as text for the terminal and as Markdown, with nominal and exact compression side by side in both."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from cryosense.files.escapes import markdown
from cryosense.metrics.score_table import Shown
from cryosense.reporting.scores import DECIMALS, TITLES, shown
from cryosense.reporting.tables.summary import BASELINE, base_name, best, difference_column, verdict_column

SHOWN, PAIRED, NARROW = shown(Shown.PAGE), shown(Shown.VERDICTS), shown(Shown.TERMINAL)
Interval = Callable[[float, float, float, int], str]


def method_label(line: pd.Series) -> str:
    """Return reconstructor, its prior if that is not the same word, and its weight, or its sampler with samples x evaluations.

    Evaluations are in the rows of a run; where these are not at hand, the sampler is left out.
    """
    parts = [line["reconstructor"]]
    if pd.notna(line["prior"]) and line["prior"] != base_name(line["reconstructor"]):
        parts.append(line["prior"])
    if pd.notna(line.get("weight")):
        parts.append(f"w={line['weight']:.3g}")
    if pd.notna(line["sampler"]) and pd.notna(line["nfe"]):
        parts += [line["sampler"], f"{line['samples']:.0f}x{line['nfe'] / line['samples']:.0f}"]
    return " ".join(parts)


def operator_label(line: pd.Series) -> str:
    """Return operator, masks, block size, symmetry, nominal compression, noise and quantiser, in words."""
    parts = [operator_name(line)]
    if pd.notna(line["block_size"]):
        parts.append(f"K = {line['block_size']:.0f}")
    if pd.notna(line["symmetric"]):
        parts.append("symmetric" if line["symmetric"] else "not symmetric")
    parts.append(f"C = {line['compression_nominal']:.3g} nominal")
    return ", ".join([*parts, *noise_and_quantiser(line)])


def operator_name(line: pd.Series) -> str:
    """Return the operator and, if it has any, its masks."""
    return f"{line['operator']} {line['masks']}" if pd.notna(line["masks"]) else str(line["operator"])


def noise_and_quantiser(line: pd.Series) -> list[str]:
    """Return in words those of the two that there are."""
    parts = []
    if pd.notna(line["noise_sigma"]) and line["noise_sigma"] > 0:
        placement = f" {line['noise_placement']}" if pd.notna(line["noise_placement"]) else ""
        parts.append(f"noise {line['noise_sigma']:.3g}{placement}")
    if pd.notna(line["quantiser"]):
        parts.append(str(line["quantiser"]))
    return parts


def text_table(lines: pd.DataFrame, level: float) -> str:
    """Return a fixed-width table for a terminal, one block per operator, with half the interval's width behind each mean."""
    cells = _cells(lines, NARROW, [], interval=_half_width, mark="{}*")
    widths = [max(map(len, [title, *column])) for title, column in cells.items()]
    header = "  ".join(title.rjust(width) for title, width in zip(cells, widths, strict=True))
    out = [header]
    operator = None
    for i, (_, line) in enumerate(lines.iterrows()):
        if operator != (operator := f"{line['data']}: {operator_label(line)}"):
            out += ["", operator]
        out.append("  ".join(column[i].rjust(width) for column, width in zip(cells.values(), widths, strict=True)))
    return "\n".join([*out, "", _legend(level, "±: half the", "*")]) + " More columns are in the files.\n"


def markdown_table(lines: pd.DataFrame, level: float) -> str:
    """Return a Markdown table, one line per operator and method, with whole intervals and each operator's best in bold."""
    operators = {"data": lines["data"].tolist(), "operator": [operator_label(line) for _, line in lines.iterrows()]}
    cells = operators | _cells(lines, SHOWN, PAIRED, interval=_whole, mark="**{}**")
    rule = ["---"] * 3 + ["---:"] * (len(cells) - 3)
    for title in ("data", "operator", "method"):  # the others are our own numbers and words
        cells[title] = [markdown(word) for word in cells[title]]
    rows = [list(cells), rule, *zip(*cells.values(), strict=True)]
    return (
        "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n\n" + _legend(level, "In brackets: the", "bold") + "\n"
    )


def _legend(level: float, interval: str, mark: str) -> str:
    scores = ", ".join(PAIRED)
    return (
        f"{interval} {100 * level:g} % bootstrap interval over images. {mark}: best mean of its operator. "
        f"Scores are against the image that was measured, *_clean against the image without noise.\n"
        f"'beats {BASELINE}': for {scores}, by the paired difference on the same images (d_*): "
        f"yes or no where its interval excludes zero, else tie."
    )


def _half_width(mean: float, low: float, high: float, decimals: int) -> str:
    return f"{mean:.{decimals}f}" + (f"±{(high - low) / 2:.{decimals}f}" if pd.notna(low) else "")


def _whole(mean: float, low: float, high: float, decimals: int) -> str:
    return f"{mean:.{decimals}f}" + (f" [{low:.{decimals}f}, {high:.{decimals}f}]" if pd.notna(low) else "")


def _cells(
    lines: pd.DataFrame, scores: list[str], differences: list[str], interval: Interval, mark: str
) -> dict[str, list[str]]:
    """Return one string per line by title; columns without any value are left out."""
    cells = {"method": [method_label(line) for _, line in lines.iterrows()]}
    cells["C nominal"] = [f"{value:.2f}" for value in lines["compression_nominal"]]
    cells["C dof"] = [f"{value:.2f}" for value in lines["compression_dof"]]
    cells["bits"] = ["" if pd.isna(value) else f"{value:.0f}" for value in lines["bits_per_image"]]
    cells["bytes"] = ["" if pd.isna(value) else f"{value:.0f}" for value in lines["bytes_per_particle"]]
    cells["images"] = [f"{value}" for value in lines["images"]]
    for score in scores:
        values = _intervals(lines, score, DECIMALS[score], interval)
        top = best(lines, score)
        cells[TITLES[score]] = [mark.format(v) if t else v for v, t in zip(values, top, strict=True)]
    others = lines["reconstructor"] != BASELINE
    for score in differences:
        values = _intervals(lines, difference_column(score), DECIMALS[score], interval)
        cells[f"d_{TITLES[score]}"] = [v if other else "" for v, other in zip(values, others, strict=True)]
    verdicts = lines[[verdict_column(score) for score in PAIRED]].to_numpy()
    cells[f"beats {BASELINE}"] = ["/".join(word or "-" for word in line) if any(line) else "" for line in verdicts]
    cells["s/image"] = ["" if pd.isna(value) else f"{value:.2g}" for value in lines["seconds"]]
    return {title: column for title, column in cells.items() if any(column)}


def _intervals(lines: pd.DataFrame, name: str, decimals: int, interval: Interval) -> list[str]:
    """Return one column with its interval as strings, empty where there is no value."""
    numbers = lines[[name, f"{name}_low", f"{name}_high"]].to_numpy(float)
    return ["" if pd.isna(mean) else interval(mean, low, high, decimals) for mean, low, high in numbers]
