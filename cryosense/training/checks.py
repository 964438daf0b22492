"""What losses ask of their numbers."""

from __future__ import annotations

from collections.abc import Sequence

from cryosense.errors import ArgumentError


def check_shares(**shares: float) -> None:
    """Raise ArgumentError for a share, named, outside 0 to 1."""
    if not all(0 <= share <= 1 for share in shares.values()):
        raise ArgumentError(f"{' and '.join(f'{name}={share}' for name, share in shares.items())} must lie in [0, 1]")


def ends_above_zero(name: str, ends: Sequence[float]) -> tuple[float, float]:
    """Return the ends of a range. Raises ArgumentError if there are not two, rising and above 0."""
    if len(ends) != 2 or not 0 < ends[0] <= ends[1]:
        raise ArgumentError(f"{name}={list(ends)}: give the lowest and the highest, above 0")
    return float(ends[0]), float(ends[1])
