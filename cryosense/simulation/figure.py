"""One look at a simulated data set: particles with and without noise, and the density they came from."""

from __future__ import annotations

from pathlib import Path

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from .particles import ParticleSimulator

COLUMNS = 8
AXIS_NAMES = ("z", "y", "x")


def draw_dataset(path: Path, simulator: ParticleSimulator, count: int) -> None:
    """Write a PNG: the first particles, the same without noise, and projections and central sections of the densities."""
    shown = simulator.chunk(range(min(COLUMNS, count)))
    volumes = _ends(simulator.volumes)
    figure = Figure(figsize=(1.6 * COLUMNS, 1.75 * (2 + len(volumes))), layout="constrained")
    rows = figure.subplots(2 + len(volumes), COLUMNS, squeeze=False)
    for axes in rows.flat:
        axes.set_axis_off()
    limit = 3.0 * float((1 + simulator.snr) ** 0.5)
    for column, (noisy, clean) in enumerate(zip(shown.noisy[:, 0], shown.clean[:, 0], strict=True)):
        _show(rows[0, column], noisy, "", limits=(-limit, limit))
        _show(rows[1, column], clean, f"defocus {float(shown.truth.ctf.defocus_u_angstrom[column]) / 1e4:.2f} µm")
    for row, volume in zip(rows[2:], volumes, strict=True):
        _draw_volume(row, volume)
    size = simulator.pixel_size_angstrom
    figure.suptitle(
        f"{count} particles of {simulator.box_size} px at {size:g} Å, SNR {simulator.snr:g}: with noise, without; true density"
    )
    partial = path.with_name(path.name + ".partial")
    figure.savefig(partial, dpi=110, format="png")
    partial.replace(path)


def _ends(volumes: Tensor) -> Tensor:
    """(s, n, n, n) -> (1 or 2, n, n, n): the first and, where there are several, the last state."""
    return volumes[[0, -1]] if len(volumes) > 1 else volumes


def _draw_volume(row: list[Axes], volume: Tensor) -> None:
    """(n, n, n): projections along each axis, then three sections through each of two axes at and beside the centre."""
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
