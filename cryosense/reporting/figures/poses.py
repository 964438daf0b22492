"""Poses at a glance: from where the particles are seen, and how certain that is."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cryosense.reporting.style import BLUE

DOTS_PER_INCH = 110
LATITUDES, LONGITUDES = 12, 24  # bins of equal area


def draw_poses(poses: pd.DataFrame, title: str) -> Figure:
    """Return a figure of the columns of ``pose_columns``: views on the sphere, spread, entropy, and largest probability."""
    figure = Figure(figsize=(10.0, 6.5), dpi=DOTS_PER_INCH, layout="constrained")
    views = figure.add_subplot(2, 2, 1, projection="mollweide")
    _draw_views(views, poses["rlnAngleRot"].to_numpy(), poses["rlnAngleTilt"].to_numpy())
    histograms = [
        ("cryosenseAngularSpread", "posterior's spread about the pose (degrees)"),
        ("cryosensePoseEntropy", "entropy of the pose (nats)"),
        ("rlnMaxValueProbDistribution", "largest probability of one pose"),
    ]
    for place, (name, label) in enumerate(histograms, start=2):
        axes = figure.add_subplot(2, 2, place)
        axes.hist(poses[name], bins=40, color=BLUE)
        axes.axvline(poses[name].median(), color="black", linewidth=0.8, label=f"median {poses[name].median():.3g}")
        axes.set(xlabel=label, ylabel="particles")
        axes.legend(fontsize=8)
    figure.suptitle(title, fontsize=11)
    return figure


def _draw_views(axes: Axes, rot_deg: np.ndarray, tilt_deg: np.ndarray) -> None:
    longitude = np.deg2rad((rot_deg + 180) % 360 - 180)
    height = np.cos(np.deg2rad(tilt_deg))
    edges = np.linspace(-np.pi, np.pi, LONGITUDES + 1), np.linspace(-1, 1, LATITUDES + 1)
    counts, *_ = np.histogram2d(longitude, height, bins=edges)
    drawn = axes.pcolormesh(edges[0], np.arcsin(edges[1]), counts.T, cmap="viridis", vmin=0, rasterized=True)
    axes.figure.colorbar(drawn, ax=axes, shrink=0.7, label="particles in bins of equal area")
    axes.set_xticklabels([])
    axes.set_yticklabels([])
    axes.set_title("views: rot to the right, tilt 0 at the top", fontsize=9)
