"""How a search goes from coarse to fine: which grid, how many shells, and how many rotations are followed further."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from cryosense.alignment.grids import spacing_deg
from cryosense.errors import ArgumentError

FIRST_ORDER = 2
# At its cells' edges, half a spacing away, a grid turns the outermost part of a particle that fills half the box by this many
# radians of phase in the last shell that is used.
PHASE = 1.25
SHIFT_PHASE = 0.7  # the same for half a step of shifts along x or y
KEPT = (64, 16, 8)


class Level(NamedTuple):
    """A grid of rotations, the shells used, the distance between shifts in pixels, and how many rotations are kept."""

    order: int
    limit: int
    shift_step: float
    kept: int


def levels(last_order: int, limit: int, box_size: int, kept: Sequence[int] = KEPT) -> list[Level]:
    """Return levels from order 2 (15 degrees) to ``last_order``, to be searched in turn; the last uses all shells.

    Raises:
        ArgumentError: a last order below 2, or too fine to be counted.
    """
    if not FIRST_ORDER <= last_order <= 8:
        raise ArgumentError(f"last_order={last_order}: grids go from order {FIRST_ORDER} (15 degrees) to 8 (0.23 degrees)")
    found = []
    first_step = box_size * SHIFT_PHASE / (math.pi * min(limit, shells_of(FIRST_ORDER)))
    for number, order in enumerate(range(FIRST_ORDER, last_order + 1)):
        shells = limit if order == last_order else min(limit, shells_of(order))
        found.append(Level(order, shells, first_step / 2**number, kept[min(number, len(kept) - 1)]))
    return found


def shells_of(order: int) -> int:
    """Return how many shells half a spacing rotates by no more than ``PHASE``, rounded up."""
    return math.ceil(4 * PHASE / (math.pi * math.radians(spacing_deg(order))))
