"""The figure of the study: example images, each method against the pseudo-inverse, the spectrum, the weights."""

import numpy as np
import pandas as pd
from evidence import ceiling_psnr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from run import particle
from tables import LINES, PRIORS, paired

from cryosense import fourier

SHOWN_ON = "pixel K = 4, b = 8"
SHOWN = ["pinv", "wiener", "dct", "wavelet", "tv", "fourier_crop"]
COLOURS = {"wiener": "tab:blue", "dct": "tab:orange", "wavelet": "tab:green", "tv": "tab:red", "fourier_crop": "0.6"}
LABELS = {
    "pinv": "pseudo-inverse",
    "wiener": "Wiener",
    "dct": "DCT",
    "wavelet": "Haar",
    "tv": "TV",
    "fourier_crop": "Fourier crop",
}
CURVES_OF = {"pixel K = 2, b = 2": "-", "pixel K = 16, b = 205": "--"}


def draw(rows: pd.DataFrame, curves: pd.DataFrame, floor: float) -> Figure:
    """-> the figure. ``curves``: mean difference to the pseudo-inverse by line, prior and step of the grid of weights."""
    figure = Figure(figsize=(14, 11), dpi=85, layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=[1, 3.2])
    images(above.subplots(1, len(SHOWN) + 1), rows)
    left, right = below.subfigures(1, 2, width_ratios=[1.5, 1])
    against_pinv(left.subplots(), rows, floor)
    top, bottom = right.subplots(2, 1)
    spectrum(top, floor)
    weights(bottom, rows, curves)
    return figure


def images(panels: np.ndarray, rows: pd.DataFrame) -> None:
    """The particle and its reconstructions from one measurement, one grey scale."""
    runs = rows[(rows["line"] == SHOWN_ON) & (rows["seed"] == 0)].set_index("reconstructor")
    original = particle().numpy()
    low, high = np.percentile(original, [0.5, 99.5])
    shown = {f"the particle\n({SHOWN_ON})": original}
    for method in SHOWN:
        with np.load(runs["run"][method] / "example.npz", allow_pickle=False) as arrays:
            title = f"{LABELS[method]}\n{runs['psnr'][method]:.2f} dB, SSIM {runs['ssim'][method]:.3f}"
            shown[title] = (arrays["reconstruction"] + 1) / 2
    for axes, (title, image) in zip(panels, shown.items(), strict=True):
        axes.imshow(image, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
        axes.set_title(title, fontsize=10)
        axes.set_axis_off()


def against_pinv(axes: Axes, rows: pd.DataFrame, floor: float) -> None:
    """One dot per mask draw: PSNR minus that of the pseudo-inverse; a bar where the noise ends what can be won."""
    rows = rows.assign(difference=paired(rows, "psnr"))
    for i, line in enumerate(LINES):
        here = rows[rows["line"] == line]
        for j, (method, colour) in enumerate(COLOURS.items()):
            values = here[here["reconstructor"] == method]["difference"]
            height = np.full(len(values), i + 0.14 * (j - 2))
            axes.plot(values, height, "o", color=colour, markersize=4.5, label=LABELS[method] if i == 0 else None)
        pinv = here[here["reconstructor"] == "pinv"]
        ceiling = ceiling_psnr(floor, pinv["compression_dof"].mean()) - pinv["psnr"].mean()
        axes.plot([ceiling] * 2, [i - 0.4, i + 0.4], color="black", label="ceiling: signal known" if i == 0 else None)
    axes.axvline(0, color="0.5", linewidth=0.8)
    axes.set_yticks(range(len(LINES)), LINES)
    axes.invert_yaxis()
    axes.set(xlabel="PSNR minus that of the pseudo-inverse, dB (against the noisy image)")
    axes.grid(axis="x", alpha=0.3)
    axes.legend(fontsize=9, loc="lower center", bbox_to_anchor=(0.3, 1), ncols=3)


def spectrum(axes: Axes, floor: float) -> None:
    """Power by ring, and what of it is noise."""
    image = particle()
    power = fourier.power_spectrum(image - image.mean())[1:].numpy()
    axes.semilogy(np.arange(1, len(power) + 1), power, color="black", label="the particle")
    axes.axhline(
        floor, color="tab:red", linestyle="--", label=f"noise: {100 * floor / float(image.var()):.0f} % of the variance"
    )
    axes.set(
        xlabel="ring, Fourier pixels (64: Nyquist)",
        ylabel="mean power per coefficient",
        title="Most of the image is white noise",
    )
    axes.legend(fontsize=9)


def weights(axes: Axes, rows: pd.DataFrame, curves: pd.DataFrame) -> None:
    """Mean difference to the pseudo-inverse along the grid of weights."""
    for line, style in CURVES_OF.items():
        tried = rows[(rows["line"] == line) & rows["weights"].notna()]
        for prior in PRIORS:
            grid = np.mean(tried[tried["reconstructor"] == prior]["weights"].tolist(), axis=0)
            curve = curves[(curves["line"] == line) & (curves["reconstructor"] == prior)]["difference"]
            axes.semilogx(grid, curve, style, color=COLOURS[prior], label=f"{LABELS[prior]}, {line}")
    axes.axhline(0, color="0.5", linewidth=0.8)
    axes.set(xlabel="weight", ylabel="PSNR minus pinv's, dB", title="Only TV, at K = 2, passes the pseudo-inverse")
    axes.legend(fontsize=8)
