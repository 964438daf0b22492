"""Values that are the same for a whole data set, or drawn anew for each micrograph: a number, or [low, high]."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from cryosense.errors import ArgumentError

Range = float | Sequence[float]


def ends(value: Range, name: str) -> tuple[float, float]:
    """Return the lowest and the highest value. Raises ArgumentError unless it is a number or [low, high]."""
    if isinstance(value, (int, float)):
        return float(value), float(value)
    if len(value) != 2 or not value[0] <= value[1]:
        raise ArgumentError(f"{name} is {list(value)}: give a number, or [low, high]")
    return float(value[0]), float(value[1])


def is_drawn(value: Range) -> bool:
    """Return whether values differ."""
    return not isinstance(value, (int, float)) and value[0] != value[1]


def at(value: Range, uniform: Tensor, *, logarithmic: bool = False) -> Tensor:
    """Return values, (b,), at uniform numbers in [0, 1), (b,): even between the ends, or even in their logarithm."""
    low, high = ends(value, "range")
    if logarithmic:
        return low * (high / low) ** uniform
    return low + (high - low) * uniform
