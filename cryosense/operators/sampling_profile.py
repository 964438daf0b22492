"""Where to sample: the keep probability of each shell that leaves the most resolution at a compression.

A map made of what particles measure at keep probability p(k) has in shell k the signal-to-noise ratio of p(k) times as many
particles: s'(k) = p(k) s(k), with s = FSC / (1 - FSC) of the uncompressed half maps of the same particles. Coefficients beyond
the resolution carry nothing, and the lower shells more than they need. With

    p(k) = min(1, level / s(k)) up to a last shell, 0 beyond,

s' = min(s, level): no shell has more than ``level`` and none is left with less than the smaller of ``level`` and all it had.
No other profile with that property is cheaper, since each p(k) is the smallest that has it.

The outermost shell of a profile loses more than its p(k) says (a third to a half of s, measured): the map's points beside its
edge have neighbours on one side only. So one more shell is measured than is wanted.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from cryosense.fourier import shell_index
from cryosense.operators.masks import MaskError

BISECTIONS = 100


@dataclass(frozen=True)
class Profile:
    """Keep probability per shell (n // 2 + 1,) float64, its level, and the last shell that is to be resolved."""

    keep_probability: Tensor
    level: float
    last_shell: int

    @property
    def compression(self) -> float:
        """Degrees of freedom of an image over those that masks of this profile measure on average."""
        box_size = 2 * (len(self.keep_probability) - 1)
        return float(box_size**2 / (self.keep_probability * coefficients_per_shell(box_size)).sum())


def coefficients_per_shell(box_size: int) -> Tensor:
    """-> (n // 2 + 1,) float64: real degrees of freedom of an n x n image in each shell; the corners are in none."""
    counts = torch.bincount(shell_index(box_size).flatten()).double()
    return counts[: box_size // 2 + 1]


def profile(snr: Tensor, level: float, *, last_shell: int, margin_shells: int) -> Profile:
    """(n // 2 + 1,) s(k) -> p(k) = min(1, ``level`` / s(k)) up to ``last_shell + margin_shells``, 0 beyond; 1 for the mean.

    Coefficients beyond the Nyquist circle have probability 0: back-projection never uses them. Of the shell at Nyquist it uses
    the half that lies inside the circle.

    Raises:
        MaskError: a level that is not positive, or a last shell that the box does not have.
    """
    if not level > 0 or not 1 <= last_shell < len(snr) or margin_shells < 0:
        raise MaskError(
            f"level={level:g} must be positive, last_shell={last_shell} lie in 1 ... {len(snr) - 1}, and "
            f"margin_shells={margin_shells} not be negative"
        )
    keep = (level / snr.double()).clamp(max=1)
    keep[last_shell + margin_shells + 1 :] = 0
    keep[0] = 1
    return Profile(keep, level, last_shell)


def profile_for_compression(
    snr: Tensor, compression: float, *, floor_level: float, last_shell: int, margin_shells: int
) -> Profile:
    """(n // 2 + 1,) s(k) -> the profile that keeps the most resolution at this compression (dof).

    ``last_shell``, the last that is wanted, is kept if every shell up to it can be left with ``floor_level`` or all it has;
    else the last shell for which that is so. What is then left of the budget raises the level, and, where all shells are
    measured whole, the last shell.

    Raises:
        MaskError: a compression below 1, or so high that not even the first shell is left with ``floor_level``.
    """
    if not compression >= 1:
        raise MaskError(f"compression={compression} is below 1: that would measure more numbers than the image has")

    def at(level: float, last: int) -> Profile:
        return profile(snr, level, last_shell=last, margin_shells=margin_shells)

    affordable = [k for k in range(1, last_shell + 1) if at(floor_level, k).compression >= compression]
    if not affordable:
        highest = at(floor_level, 1).compression
        raise MaskError(f"compression={compression:g} leaves the first shell below fsc_floor: at most {highest:.4g} does not")
    last = affordable[-1]
    everything = max(floor_level, float(snr[1:].max()))
    while last < len(snr) - 1 and at(everything, last).compression > compression:
        last += 1  # all shells up to the last are measured whole, and there is budget left
    low, high = floor_level, everything
    for _ in range(BISECTIONS):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if at(middle, last).compression > compression else (low, middle)
    return at(high, last)
