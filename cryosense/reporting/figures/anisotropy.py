"""Resolution over directions as a map of half a sphere, and the FSC curves behind it."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from cryosense.metrics.anisotropy import THRESHOLD, Anisotropy
from cryosense.reporting.style import BLUE, VERMILION, resolution_axis, thresholds

DOTS_PER_INCH = 110
RINGS_DEG = (30, 60, 90)
RASTER = 240
EQUATOR = 2**0.5  # Lambert's azimuthal equal-area projection: radius 2 sin(tilt / 2)
EXTENT = (-EQUATOR, EQUATOR, -EQUATOR, EQUATOR)


def draw_anisotropy(anisotropy: Anisotropy, box_size: int, pixel_size_angstrom: float) -> Figure:
    """Return a figure: the half sphere from above in equal areas, coloured by resolution, and the curves of all directions."""
    figure = Figure(figsize=(12.5, 5.4), dpi=DOTS_PER_INCH)
    # Places that all such figures share: to find them for each takes as long as to draw it.
    figure.subplots_adjust(left=0.01, right=0.96, bottom=0.1, top=0.89, wspace=0.14)
    sphere, curves = figure.subplots(1, 2, width_ratios=[1.0, 1.15])
    _draw_sphere(figure, sphere, anisotropy)
    _draw_curves(curves, anisotropy, box_size, pixel_size_angstrom)
    reached = f"{anisotropy.unreached_share:.0%} of directions unreached at {anisotropy.judged_at_angstrom:.3g} Å"
    figure.suptitle(f"{len(anisotropy.table)} directions, cones of ±{anisotropy.half_angle_deg:g}°: {reached}", fontsize=10)
    return figure


def _draw_sphere(figure: Figure, axes: Axes, anisotropy: Anisotropy) -> None:
    """Draw the sphere; each point has the colour of the direction nearest to it."""
    table = anisotropy.table
    edge = np.linspace(-EQUATOR, EQUATOR, RASTER)
    across, up = np.meshgrid(edge, edge)
    directions = table[["x", "y", "z"]].to_numpy().T
    nearest = np.stack([np.abs(row @ directions).argmax(-1) for row in _unit_vectors(across, up)])
    resolution = table["resolution_angstrom"].to_numpy()[nearest]
    inside = np.hypot(across, up) <= EQUATOR
    resolved = inside & np.isfinite(resolution)
    axes.imshow(np.where(inside, 0.75, np.nan), cmap="gray", vmin=0, vmax=1, extent=EXTENT, origin="lower")
    if resolved.any():
        drawn = axes.imshow(np.where(resolved, resolution, np.nan), cmap="viridis", extent=EXTENT, origin="lower")
        figure.colorbar(drawn, ax=axes, label=f"resolution at {THRESHOLD:g} (Å); grey: nothing resolved", shrink=0.8)
    missed = table[~table["reached"]]
    radius = 2 * np.sin(np.radians(missed["tilt_deg"]) / 2)
    turn = np.radians(missed["rot_deg"])
    label = f"no view shows it ({len(missed)} of {len(table)})"
    axes.plot(radius * np.cos(turn), radius * np.sin(turn), "x", color=VERMILION, markersize=5, label=label)
    angle = np.linspace(0, 2 * np.pi, 200)
    for tilt in RINGS_DEG:
        ring = 2 * np.sin(np.radians(tilt) / 2)
        colour = "white" if tilt < 90 else "black"
        axes.plot(ring * np.cos(angle), ring * np.sin(angle), color=colour, linewidth=0.6)
        axes.annotate(f"{tilt}°", (-0.71 * ring, 0.71 * ring), fontsize=7, ha="right", va="bottom", color=colour)
    axes.annotate("x", (EQUATOR + 0.1, 0), ha="center", va="center")
    axes.annotate("y", (0, EQUATOR + 0.1), ha="center", va="center")
    axes.set(xlim=(-1.7, 1.7), ylim=(-1.7, 1.7), aspect="equal")
    axes.set_title("direction in the map, z towards you", fontsize=9, y=1.0)
    axes.axis("off")
    if len(missed):
        axes.legend(loc="lower right", fontsize=8)


def _unit_vectors(across: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Return x, y, z, (..., 3), of points of Lambert's azimuthal equal-area projection; beyond the equator z is 0."""
    squared = np.minimum(across**2 + up**2, EQUATOR**2)
    stretch = np.sqrt(1 - squared / 4)
    return np.stack([across * stretch, up * stretch, 1 - squared / 2], axis=-1)


def _draw_curves(axes: Axes, anisotropy: Anisotropy, box_size: int, pixel_size_angstrom: float) -> None:
    frequency = np.arange(anisotropy.curves.shape[1]) / (box_size * pixel_size_angstrom)
    columns = anisotropy.columns()
    low, middle, high = (columns[f"cone_{name}"].numpy() for name in ("minimum", "median", "maximum"))
    each = np.stack(np.broadcast_arrays(frequency, anisotropy.curves.numpy()), axis=-1)
    axes.add_collection(LineCollection(list(each), colors="0.8", linewidths=0.4))  # a hundred lines cost as much as all else
    axes.plot(frequency, low, color=VERMILION, linewidth=1.2, label="minimum of each shell")
    axes.plot(frequency, middle, color="black", linewidth=1.6, label="median")
    axes.plot(frequency, high, color=BLUE, linewidth=1.2, label="maximum")
    thresholds(axes, [THRESHOLD])
    axes.axhline(0, color="black", linewidth=0.5)
    axes.set(ylim=(-0.5, 1.03), ylabel="FSC in a cone, half maps masked")
    resolution_axis(axes, float(frequency[-1]))
    axes.set_title(f"FSC within {anisotropy.half_angle_deg:g}° of each direction", fontsize=9, y=1.0)
    axes.legend(loc="lower left", fontsize=8)
