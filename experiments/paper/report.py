"""results.md and tables.md."""

from __future__ import annotations

from math import nan
from typing import Any

import pandas as pd
from tables import TITLES, beside_published, draws, maps_table, overview, pairs, short, verdicts

from cryosense.reporting.tables.paper_formats import paper_markdown
from cryosense.reporting.tables.paper_tables import OF_MAPS, paper_tables
from cryosense.reporting.tables.published import published_scores

IMAGES = ["lpips", "ssim", "psnr", "psnr_clean", "correlation_clean"]
OF_PAIRS = [
    ("ddpm", "gaussian"),
    ("ddpm, mean of 4", "gaussian, mean of 4"),
    ("ddpm, mean of 4", "ddpm"),
    ("ddpm, mean of 4", "pinv"),
]
COLUMNS_PER_TABLE = 6
IN_THE_PAPERS_LAYOUT = ["lpips", "ssim", "psnr_clean", "correlation_clean"]


def results(
    everything: pd.DataFrame,
    lines: pd.DataFrame,
    kinds: pd.DataFrame,
    by_range: pd.DataFrame,
    others: pd.DataFrame,
    losses: pd.DataFrame,
    of_maps: pd.DataFrame,
    missing: list[str],
    config: dict[str, Any],
) -> str:
    """-> everything that was found, as Markdown."""
    simulated = everything[everything["data"] == "simulated"]
    controls = simulated[simulated["set"].isin(config["weights"]["PSNR to noisy"]) & simulated["noise_sigma"].eq(0)]
    drawn = simulated[simulated["method"].isin([*config["sparse"], config["generative"], "pinv"]) & _drawn(simulated)]
    plain = [table[table["counted"].eq("nominal") & table["noise"].eq(0)] for table in (kinds, by_range)]
    others = others[others["weights"] != "PSNR to clean"] if len(others) else others
    by_domain = losses[losses["counted"].eq("nominal") | losses["domain"].eq("fourier, the paper's")]
    sections = {
        "Overview: sparse or generative, by nominal compression, without added noise": overview(kinds),
        "Sparse or generative": _legend(config) + "\n\n" + verdicts(plain[0], ["claim", "weights", "operators"], IMAGES),
        "Is the kind that was said to be better also better than no prior?": (
            "The first of each claim minus the pseudo-inverse.\n\n"
            + verdicts(plain[0], ["claim", "weights", "operators"], IMAGES, "beats_pinv", "gain_on_pinv")
        ),
        "Generative minus sparse, by range of compression": verdicts(
            plain[1], ["domain", "claim", "weights", "operators"], IMAGES
        ),
        "What stands for generative": (
            "On those operators on which all of these were run.\n\n"
            + (verdicts(others, ["claim", "weights", "generative", "operators"], IMAGES) if len(others) else "Not run yet.")
        ),
        "Loss with compression, in images": (
            "Score minus that of the same method at less compression, mean over mask families; sparse: the best of three.\n\n"
            + verdicts(by_domain, ["claim", "domain", "counted", "weights", "first", "second"], config["losses"]["scores"])
        ),
        "Loss with compression, in maps": (
            "Cells of `experiments/resolution_vs_compression`; in brackets the shells lost, least to most.\n\n"
            + maps_table(of_maps)
        ),
        "The same image through three draws of masks": draws(drawn, config, IMAGES),
        "What learning adds, and what more samples do": pairs(controls, config, OF_PAIRS, IMAGES),
        "Table cells: LPIPS to noisy / SSIM to noisy / correlation with clean": short(lines),
        "Beside the paper's values: LPIPS / SSIM": beside_published(lines),
        "Missing": "\n".join(f"- {line}" for line in missing) or "Nothing.",
    }
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in sections.items())
    return f"# Results, written by analyse.py\n\n{body}\n"


def _drawn(rows: pd.DataFrame) -> pd.Series:
    """-> which rows are of operators that were run with several mask draws."""
    keys = ["family", "compression_nominal", "noise_sigma"]
    return rows.groupby(keys)["seed"].transform("nunique") > 1


def _legend(config: dict[str, Any]) -> str:
    margins = ", ".join(f"{margin:g} {TITLES[score]}" for score, margin in config["margins"].items())
    return (
        "Gain of the kind that the claim names: mean over operators and images, ± half the "
        f"{100 * config['level']:g} % bootstrap interval over images; positive is better whatever the score. "
        f"yes: as claimed; no: the opposite; tie: the interval is within the margin ({margins}); open: none of these. "
        "Weights: what sparse priors' weights were chosen by. Compression is nominal and noise is not added where nothing "
        "else is said; all else is in claims.csv."
    )


def tables(lines: pd.DataFrame, level: float) -> str:
    """-> the paper's tables with what this study has: pixel masks at C = 2, Fourier masks at C = 2.5."""
    pixel = lines["domain"].eq("pixel") & lines["compression_nominal"].between(1.99, 2.01)
    fourier = lines["domain"].eq("fourier") & lines["compression_nominal"].between(2.49, 2.51)
    chosen = lines[(pixel | fourier) & lines["noise_sigma"].eq(0)]
    parts = []
    for title, group in chosen.groupby("weights_for", sort=False):
        table = group.join(published_scores(group)).drop(columns=["method", "family"]).assign(**dict.fromkeys(OF_MAPS, nan))
        wanted = [each for each in paper_tables(table, COLUMNS_PER_TABLE) if each.score in IN_THE_PAPERS_LAYOUT]
        parts.append(f"## Weights chosen by {title}\n\n{paper_markdown(wanted, level)}")
    return "# The paper's tables on these data, written by analyse.py\n\n" + "\n".join(parts)
