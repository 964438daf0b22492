"""Tables of the study, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd
from comparisons import FAILS, HOLDS, OPEN, SIGN, TIE, Found, judged, kinds, verdict
from evidence import JUDGED

from cryosense.reporting.scores import DECIMALS
from cryosense.reporting.tables.published import published_scores

WORDS = {HOLDS: "yes", FAILS: "no", TIE: "tie", OPEN: "open"}
TITLES = {
    "lpips": "LPIPS", "ssim": "SSIM", "psnr": "PSNR", "lpips_clean": "LPIPS, clean", "ssim_clean": "SSIM, clean",
    "psnr_clean": "PSNR, clean", "correlation_clean": "correlation, clean", "frc_area_clean": "FRC area, clean",
}  # fmt: skip
# What the overview shows: against the noisy image weights chosen there, against the clean image weights chosen there.
OVERVIEW = {
    "LPIPS": ("lpips", "PSNR to noisy"), "LPIPS, weights by LPIPS": ("lpips", "LPIPS to noisy"),
    "SSIM": ("ssim", "PSNR to noisy"), "PSNR": ("psnr", "PSNR to noisy"), "PSNR, clean": ("psnr_clean", "PSNR to clean"),
    "correlation, clean": ("correlation_clean", "PSNR to clean"), "FRC area, clean": ("frc_area_clean", "PSNR to clean"),
}  # fmt: skip
# Operators of the short table: family, nominal compression, title.
SHOWN = [
    ("K = 4", 2.0, "pixel K = 4"),
    ("radial", 2.5, "Fourier radial"),
    ("radial, the paper's", 2.5, "the same, the paper's masks"),
    ("K = 4", 8.0, "pixel K = 4"),
    ("radial", 10.0, "Fourier radial"),
]
SHORT = ["lpips", "ssim", "correlation_clean"]
METHODS = {
    ("PSNR to noisy", "pinv"): "pseudo-inverse", ("PSNR to noisy", "fourier_crop"): "Fourier crop",
    ("PSNR to noisy", "wiener"): "Wiener", ("PSNR to noisy", "dct"): "DCT", ("PSNR to noisy", "wavelet"): "Haar wavelet",
    ("PSNR to noisy", "tv"): "TV", ("LPIPS to noisy", "dct"): "DCT, weight by LPIPS",
    ("LPIPS to noisy", "wavelet"): "Haar wavelet, weight by LPIPS", ("LPIPS to noisy", "tv"): "TV, weight by LPIPS",
    ("PSNR to noisy", "gaussian"): "Gaussian of the same spectrum, one sample", ("PSNR to noisy", "ddpm"): "DDPM, one sample",
    ("PSNR to noisy", "ddpm, mean of 4"): "DDPM, mean of four", ("PSNR to clean", "wiener"): "Wiener, shown clean",
    ("PSNR to clean", "dct"): "DCT, shown clean", ("PSNR to clean", "wavelet"): "Haar wavelet, shown clean",
    ("PSNR to clean", "tv"): "TV, shown clean", ("PSNR to noisy", "unrolled"): "learned solver, shown clean",
}  # fmt: skip


def markdown(header: list[str], body: Iterable[list[str]], words: int) -> str:
    """-> a Markdown table; so many columns are words, the others numbers."""
    rule = ["---"] * words + ["---:"] * (len(header) - words)
    return "\n".join("| " + " | ".join(line) + " |" for line in [header, rule, *body])


def number(found: Found, score: str, form: str = "+") -> str:
    """-> a difference with half its interval."""
    decimals = DECIMALS.get(score, 3)
    return f"{found.gain:{form}.{decimals}f} ± {(found.high - found.low) / 2:.{decimals}f}"


def verdicts(lines: pd.DataFrame, keys: list[str], scores: list[str], word: str = "verdict", gain: str = "gain") -> str:
    """Lines of a claim each -> one line for each combination of the keys, a column for each score."""
    body = []
    for values, group in lines.groupby(keys, sort=False, dropna=False):
        by_score = group.set_index("score")
        cells = []
        for score in scores:
            line = by_score.loc[score]
            ends = Found(
                line[gain],
                line[f"{gain}_low" if gain != "gain" else "low"],
                line[f"{gain}_high" if gain != "gain" else "high"],
            )
            cells.append(f"{WORDS[line[word]]} {number(ends, score)}")
        body.append([*(f"{value:g}" if isinstance(value, float) else str(value) for value in values), *cells])
    return markdown([*(key.replace("_", " ") for key in keys), *(TITLES[score] for score in scores)], body, len(keys))


def overview(lines: pd.DataFrame) -> str:
    """Lines of claims about kinds -> the verdicts in short, and which of them change with what is counted and with noise."""
    body = []
    for claim, group in lines.groupby("claim", sort=False):
        chosen = {title: _line(group, score, weights, "nominal", 0.0) for title, (score, weights) in OVERVIEW.items()}
        changed = []
        for counted, noise in (("dof", 0.0), ("nominal", 0.1)):
            other = {title: _line(group, score, weights, counted, noise) for title, (score, weights) in OVERVIEW.items()}
            both = {
                title: (WORDS[chosen[title].verdict], WORDS[line.verdict])
                for title, line in other.items()
                if line and chosen[title]
            }
            changed.append(
                "; ".join(f"{title}: {now}" for title, (before, now) in both.items() if before != now) or "the same"
            )
        cells = [f"{WORDS[line.verdict]} {number(line, OVERVIEW[title][0])}" if line else "" for title, line in chosen.items()]
        body.append([str(claim), *cells, *changed])
    return markdown(["claim", *OVERVIEW, "by dof", "with noise 0.1"], body, 1)


def _line(group: pd.DataFrame, score: str, weights: str, counted: str, noise: float) -> Any:
    """-> the line of a claim with these, None where there is none."""
    keys = {"score": score, "weights": weights, "counted": counted, "noise": noise}
    found = group.loc[(group[list(keys)] == pd.Series(keys)).all(axis=1)]
    return next(found.itertuples(), None)


def maps_table(lines: pd.DataFrame) -> str:
    """Lines of claims about maps -> one line for each claim and kind of particles, a column for each measure."""
    body = []
    for values, group in lines.groupby(["claim", "particles", "counted"], sort=False):
        cells = [
            f"{line.verdict} ({line.least_lost:.1f} to {line.most_lost:.1f})" if line.cells else line.verdict
            for line in group.itertuples()
        ]
        body.append([*map(str, values), str(group["cells"].iloc[0]), *cells])
    return markdown(["claim", "particles", "C counted by", "cells", *map(str, lines["measure"].unique())], body, 4)


def short(lines: pd.DataFrame) -> str:
    """Lines of summaries -> methods x operators, LPIPS / SSIM / correlation with the clean image; the best of each in bold."""
    table = lines[lines["data"].eq("simulated") & lines["noise_sigma"].eq(0)]
    body: dict[str, list[str]] = {title: [] for title in METHODS.values()}
    header = ["method"]
    for family, compression, name in SHOWN:
        here = table[(table["family"] == family) & ((table["compression_nominal"] / compression - 1).abs() < 1e-3)]
        if here.empty:
            continue
        at = here.drop_duplicates(["weights_for", "method"]).set_index(["weights_for", "method"])[SHORT]
        best = (at * SIGN[SHORT]).max()
        header.append(f"{name}, C = {compression:g} (dof: {here['operator_dof'].mean():.2f})")
        for key, title in METHODS.items():
            body[title].append(_scores(at.loc[key], best) if key in at.index else "")
    return markdown(header, ([title, *cells] for title, cells in body.items() if any(cells)), 1)


def _scores(means: pd.Series, best: pd.Series) -> str:
    marked = []
    for score in SHORT:
        word = f"{means[score]:.{3 if score == 'lpips' else 2}f}"
        marked.append(f"**{word}**" if abs(means[score] * SIGN[score] - best[score]) < 1e-6 else word)
    return " / ".join(marked)


def beside_published(lines: pd.DataFrame) -> str:
    """Lines of summaries -> the paper's printed cells and ours on the same operator, LPIPS / SSIM."""
    known = lines[lines["weights_for"] != "PSNR to clean"]
    known = known.join(published_scores(known)).dropna(subset=["published_lpips"])
    body = []
    for line in known.sort_values(["domain", "data", "method", "weights_for"], kind="stable").itertuples():
        ours = f"{line.lpips:.3f} / {line.ssim:.3f}"
        paper = f"{line.published_lpips:.2f} / {line.published_ssim:.2f}"
        body.append([str(line.data), f"{line.operator} {line.family}", str(line.method), str(line.weights_for), ours, paper])
    return markdown(["data", "operator", "method", "weight chosen by", "here", "in the paper, on its data"], body, 4)


def pairs(rows: pd.DataFrame, config: dict[str, Any], wanted: list[tuple[str, str]], scores: list[str]) -> str:
    """Rows -> first minus second method of each pair on every operator that both have; positive: the first is better."""
    signed = rows[~rows["held_back"]].assign(**{score: rows[score] * SIGN[score] for score in JUDGED})
    body = []
    for _, group in signed.groupby("operator_number", sort=False):
        images = {name: frame.groupby("particle")[JUDGED].mean() for name, frame in group.groupby("method")}
        operator = f"{group['family'].iloc[0]}, C = {group['compression_nominal'].iloc[0]:.3g}"
        for first, second in wanted:
            if {first, second} <= set(images):
                found = dict(judged((images[first] - images[second]).dropna(how="all"), config))
                cells = [f"{WORDS[verdict(found[s], config['margins'][s])]} {number(found[s], s)}" for s in scores]
                body.append([operator, f"{first} - {second}", *cells])
    return markdown(["operator", "methods", *(TITLES[score] for score in scores)], body, 2)


def draws(rows: pd.DataFrame, config: dict[str, Any], scores: list[str]) -> str:
    """Rows of several mask draws -> generative minus sparse, and each minus no prior, draw by draw."""
    body = []
    frames = kinds(rows, config, "PSNR to noisy")
    for number_, group in rows.groupby("operator_number", sort=False):
        if not all(number_ in frame.index.get_level_values(0) for frame in frames.values()):
            continue
        for first, second in (("generative", "sparse"), ("sparse", "pinv"), ("generative", "pinv")):
            found = dict(judged(frames[first].loc[[number_]] - frames[second].loc[[number_]], config))
            cells = [f"{WORDS[verdict(found[s], config['margins'][s])]} {number(found[s], s)}" for s in scores]
            body.append([group["family"].iloc[0], str(group["seed"].iloc[0]), f"{first} - {second}", *cells])
    order = sorted(body, key=lambda line: (line[0], line[2], line[1]))
    return markdown(["masks", "draw", "kinds", *(TITLES[score] for score in scores)], order, 3)
