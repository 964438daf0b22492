"""curves.png, curves_noise.png and claims.png."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from tables import TITLES

CURVES = ["lpips", "ssim", "psnr", "psnr_clean", "correlation_clean"]
COLOURS = {
    "pinv": "0.2", "fourier_crop": "tab:brown", "wiener": "0.6", "dct": "tab:blue", "wavelet": "tab:cyan", "tv": "tab:purple",
    "unrolled": "tab:green", "ddpm": "tab:red",
}  # fmt: skip
NAMES = {
    "pinv": "pseudo-inverse", "fourier_crop": "Fourier crop", "wiener": "Wiener", "dct": "DCT", "wavelet": "Haar", "tv": "TV",
    "unrolled": "learned solver (shown clean)", "ddpm": "DDPM, one sample",
}  # fmt: skip
CLAIMS = {"pixel masks, K = 4": "K = 4", "Fourier masks, radial": "radial"}
# Score: title, and what weights were chosen by that are shown as stars beside the curves of the usual ones.
PANELS = {
    "lpips": ("LPIPS to the noisy image, low is good\n(stars: weights chosen by it)", "LPIPS to noisy"),
    "ssim": ("SSIM to the noisy image", ""),
    "correlation_clean": ("correlation with the clean image\n(stars: weights chosen towards it)", "PSNR to clean"),
}
MOST_PSNR = 40.0  # beyond is C = 1, where nothing is missing


def draw_curves(lines: pd.DataFrame, noise: float, path: Path) -> None:
    """Scores against compression, a column for each mask family; solid: nominal, dotted: degrees of freedom."""
    table = lines[lines["data"].eq("simulated") & lines["noise_sigma"].eq(noise) & lines["weights_for"].eq("PSNR to noisy")]
    families = _families(table)
    if not families:
        return
    figure, axes = plt.subplots(
        len(CURVES), len(families), figsize=(2.9 * len(families), 2.5 * len(CURVES)), sharex=True, sharey="row", squeeze=False
    )
    for column, family in zip(axes.T, families, strict=True):
        column[0].set_title(family)
        for axis, score in zip(column, CURVES, strict=True):
            for method, colour in COLOURS.items():
                _curve(axis, table[table["family"].eq(family) & table["method"].eq(method)], score, colour, NAMES[method])
            axis.set_xscale("log")
            axis.set_xticks([1, 2, 2.5, 5, 10], ["1", "2", "", "5", "10"], minor=False)
            axis.minorticks_off()
            axis.grid(alpha=0.3)
    for line, score in zip(axes, CURVES, strict=True):
        line[0].set_ylabel(TITLES[score])
    for axis in axes[-1]:
        axis.set_xlabel("C, nominal (solid), dof (dotted)")
    named = {label: handle for axis in axes[0] for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    figure.legend(list(named.values()), list(named), loc="lower center", ncols=8, fontsize=11)
    figure.tight_layout(rect=(0, 0.025, 1, 1))
    figure.savefig(path, dpi=62)
    plt.close(figure)


def _families(table: pd.DataFrame) -> list[str]:
    """-> block sizes in their order, then the others; those with more than one compression."""
    sizes = table.groupby("family").agg(block=("block_size", "first"), points=("compression_nominal", "nunique"))
    return list(sizes[sizes["points"] > 1].reset_index().sort_values(["block", "family"])["family"])


def _curve(axis: Any, lines: pd.DataFrame, score: str, colour: str, label: str, style: str = "-o") -> None:
    """One method: its mean and interval against nominal compression, and dotted against degrees of freedom."""
    lines = lines[lines[score].between(-1, MOST_PSNR)].sort_values("compression_nominal")
    if lines.empty:
        return
    axis.plot(lines["compression_nominal"], lines[score], style, color=colour, markersize=3, linewidth=1.2, label=label)
    low, high = lines[f"{score}_low"], lines[f"{score}_high"]
    axis.fill_between(lines["compression_nominal"], low, high, color=colour, alpha=0.2, linewidth=0)
    by_dof = lines.sort_values("operator_dof")
    axis.plot(by_dof["operator_dof"], by_dof[score], ":", color=colour, linewidth=1.2)


def draw_claims(lines: pd.DataFrame, path: Path) -> None:
    """The picture for the front page: two mask families, against the noisy and against the clean image."""
    table = lines[lines["data"].eq("simulated") & lines["noise_sigma"].eq(0)]
    figure, axes = plt.subplots(len(CLAIMS), len(PANELS), figsize=(12, 6.6), sharex=True, sharey="col", squeeze=False)
    for row, (title, family) in zip(axes, CLAIMS.items(), strict=True):
        here = table[table["family"] == family]
        for axis, (score, (words, starred)) in zip(row, PANELS.items(), strict=True):
            for method, colour in COLOURS.items():
                of = here[here["method"] == method].sort_values("operator_dof")
                _mean(axis, of[of["weights_for"] == "PSNR to noisy"], score, colour, NAMES[method])
                others = of[of["weights_for"] == starred]
                axis.plot(others["operator_dof"], others[score], "*", color=colour, markersize=10, markeredgecolor="k")
            axis.set(xscale="log", title=words if axis.get_subplotspec().is_first_row() else "")
            axis.set_xticks([1, 1.5, 2, 2.5, 3.3, 5, 10], ["1", "1.5", "2", "2.5", "3.3", "5", "10"])
            axis.minorticks_off()
            axis.grid(alpha=0.3)
        row[0].set_ylabel(title, fontsize=12)
    for axis in axes[-1]:
        axis.set_xlabel("compression (degrees of freedom)")
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="lower center", ncols=8, fontsize=9)
    figure.tight_layout(rect=(0, 0.045, 1, 1))
    figure.savefig(path, dpi=90)
    plt.close(figure)


def _mean(axis: Any, lines: pd.DataFrame, score: str, colour: str, label: str) -> None:
    """One method against degrees of freedom, with its interval."""
    axis.plot(lines["operator_dof"], lines[score], "-o", color=colour, markersize=3.5, linewidth=1.4, label=label)
    low, high = lines[f"{score}_low"], lines[f"{score}_high"]
    axis.fill_between(lines["operator_dof"], low, high, color=colour, alpha=0.2, linewidth=0)
