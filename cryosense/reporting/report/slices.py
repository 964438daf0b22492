"""Central sections of maps side by side."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from math import ceil

import mrcfile
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cryosense.errors import UnusableRunError
from cryosense.files.limits import require_regular
from cryosense.reporting.style import scale_bar
from cryosense.reporting.tables.collected_maps import FinishedMap

LARGEST_SIDE = 4096  # voxels
ACROSS = 6
PANEL_INCHES, DOTS_PER_INCH = 2.1, 110
TITLE_CHARACTERS = 30


def map_sections(maps: Sequence[FinishedMap], titles: Mapping[str, str]) -> tuple[Figure | None, list[str]]:
    """Return section z = 0 of each ``map.mrc``, grey from its 0.5th to its 99.8th percentile, and the unreadable maps.

    ``titles`` say by name which images each is made of. Only the section is read from a map, whatever its size.
    """
    sections, unreadable = [], []
    for each in maps:
        try:
            sections.append((f"{each.name}: {titles.get(each.name, 'images')}", *_section(each)))
        except (OSError, ValueError) as error:
            unreadable.append(f"{each.name}: {error}")
    if not sections:
        return None, unreadable
    rows = ceil(len(sections) / ACROSS)
    size = (PANEL_INCHES * ACROSS, (PANEL_INCHES + 0.5) * rows)
    figure = Figure(figsize=size, dpi=DOTS_PER_INCH, layout="constrained")
    panels = figure.subplots(rows, ACROSS, squeeze=False).ravel()
    for axes in panels:
        axes.set_axis_off()
    for axes, (name, section, voxel_angstrom) in zip(panels, sections, strict=False):
        low, high = np.percentile(section, (0.5, 99.8))
        axes.imshow(section, cmap="gray", vmin=low, vmax=high, origin="lower", interpolation="nearest")
        axes.set_title(textwrap.fill(name, TITLE_CHARACTERS), fontsize=7)
        scale_bar(axes, len(section), voxel_angstrom, upwards=True)
    return figure, unreadable


def _section(each: FinishedMap) -> tuple[NDArray[np.float32], float | None]:
    """Return the middle of the map along z, (n, n), and the side of a voxel, None where the header has none."""
    require_regular(each.directory / "map.mrc")
    with mrcfile.mmap(each.directory / "map.mrc", mode="r") as mrc:
        data = mrc.data
        if data is None or data.ndim != 3:
            raise UnusableRunError("map.mrc holds no volume")
        if max(data.shape) > LARGEST_SIDE:
            raise UnusableRunError(f"map.mrc is of {data.shape} voxels")
        section, voxel = np.array(data[len(data) // 2], dtype=np.float32), float(mrc.voxel_size.x)
    if not np.isfinite(section).all():
        raise UnusableRunError("map.mrc holds values that are not finite")
    return section, voxel if 0 < voxel < np.inf else None
