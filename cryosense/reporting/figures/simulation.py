"""A simulated data set at a glance: particles with and without noise, and the density they came from."""

from __future__ import annotations

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from cryosense.reporting.style import scale_bar

COLUMNS, DOTS_PER_INCH = 8, 110
AXIS_NAMES = ("z", "y", "x")


def draw_dataset(
    noisy: Tensor, clean: Tensor, defocus_angstrom: Tensor, volumes: Tensor, pixel_size_angstrom: float, title: str
) -> Figure:
    """Return a figure: some particles, the same without noise, and projections and central sections of the densities.

    Of ``noisy`` and ``clean`` (b, 1, n, n) at most COLUMNS are shown; ``defocus_angstrom`` is (b,); of ``volumes``
    (s, n, n, n) the first and the last are shown.
    """
    ends = _ends(volumes)
    figure = Figure(figsize=(1.6 * COLUMNS, 1.75 * (2 + len(ends))), dpi=DOTS_PER_INCH, layout="constrained")
    rows = figure.subplots(2 + len(ends), COLUMNS, squeeze=False)
    for axes in rows.flat:
        axes.set_axis_off()
    limit = 3.0 * float(1 + clean.var(correction=0)) ** 0.5
    shown = zip(noisy[:COLUMNS, 0], clean[:COLUMNS, 0], defocus_angstrom.tolist(), strict=False)
    for column, (with_noise, without, defocus) in enumerate(shown):
        _show(rows[0, column], with_noise, "", limits=(-limit, limit))
        _show(rows[1, column], without, f"defocus {defocus / 1e4:.2f} µm")
    for row, volume in zip(rows[2:], ends, strict=True):
        _draw_volume(row, volume)
    scale_bar(rows[0, 0], noisy.shape[-1], pixel_size_angstrom)
    for row in rows[2:]:
        scale_bar(row[0], volumes.shape[-1], pixel_size_angstrom)
    figure.suptitle(title)
    return figure


def _ends(volumes: Tensor) -> Tensor:
    """Return the first and, if there are several, the last state, (1 or 2, n, n, n)."""
    return volumes[[0, -1]] if len(volumes) > 1 else volumes


def _draw_volume(row: list[Axes], volume: Tensor) -> None:
    """Draw projections along each axis, then three sections through each of two axes at and beside the centre."""
    middle = volume.shape[0] // 2
    for axis, name in enumerate(AXIS_NAMES):
        _show(row[axis], volume.sum(axis), f"projection, {name}")
        _show(row[3 + axis], volume.select(axis, middle), f"section, {name}")
    for column, offset in ((6, -3), (7, 3)):
        _show(row[column], volume[middle + offset], f"section, z {offset:+d} px")


def _show(axes: Axes, image: Tensor, title: str, limits: tuple[float, float] | None = None) -> None:
    low, high = limits or (float(torch.min(image)), float(torch.max(image)))
    axes.imshow(image.numpy(), cmap="gray", vmin=low, vmax=high, interpolation="nearest")
    axes.set_title(title, fontsize=7)
