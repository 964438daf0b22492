"""Where to sample: the keep probability of each shell that preserves the most resolution at a given compression.

A map made from particles measured with keep probability p(k) has in shell k the signal-to-noise ratio of p(k) times as many
particles: ``s'(k) = p(k) s(k)``, with ``s = FSC / (1 - FSC)`` from the uncompressed half maps of the same particles.
Coefficients beyond the resolution carry nothing, and the lower shells more than they need. With

    p(k) = min(1, level(k) / s(k)) up to a last shell, 0 beyond,

``s' = min(s, level)``: no shell has more than its level, and none has less than the smaller of its level and all it had.
No other profile with that property is cheaper, since each p(k) is the smallest that has it. The level is that of one FSC f
for all shells, with headroom for chance, which shifts ``artanh FSC = log(1 + 2 s) / 2`` by the same amount at any FSC
(Fisher 1915):

    level(k) = (exp(2 (artanh f + headroom(k))) - 1) / 2.

The outermost shell of a profile loses more than its p(k) says (a third to a half of s, measured): the map's points at its
edge have neighbours on one side only. So one more shell is measured than is wanted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from cryosense.fourier import shell_index
from cryosense.operators.masks import MaskError

BISECTIONS = 60
# Stands for an FSC of 1, at which every shell is measured whole.
NEARLY_ONE = 1 - 1e-12
FOR_POSES = " or too little to find poses by (poses=known where they are; a larger pose_error_factor needs less)"


@dataclass(frozen=True)
class Profile:
    """Keep probability per shell, (n // 2 + 1,) float64, the FSC left in the shells, and the last shell to be resolved."""

    keep_probability: Tensor
    fsc: float
    last_shell: int

    @property
    def compression(self) -> float:
        """Degrees of freedom of an image over those that masks of this profile measure on average."""
        box_size = 2 * (len(self.keep_probability) - 1)
        return float(box_size**2 / (self.keep_probability * coefficients_per_shell(box_size)).sum())


def coefficients_per_shell(box_size: int) -> Tensor:
    """Return the real degrees of freedom of an n x n image per shell, (n // 2 + 1,) float64; the corners are in none."""
    counts = torch.bincount(shell_index(box_size).flatten()).double()
    return counts[: box_size // 2 + 1]


@dataclass(frozen=True)
class ProfileDesign:
    """The data from which profiles are designed; the module's docstring derives them.

    Args:
        snr: (n // 2 + 1,) s(k).
        headroom: (n // 2 + 1,) allowance for chance, in artanh FSC.
        margin_shells: shells measured beyond the last that is wanted.
        least: (n // 2 + 1,) keep probabilities below which no shell falls, whatever the resolution needs; None for none.

    Raises:
        MaskError: s(k) that is not positive, or a negative headroom or margin.
    """

    snr: Tensor
    headroom: Tensor
    margin_shells: int
    least: Tensor | None = None

    def __post_init__(self) -> None:
        if not bool((self.snr > 0).all()) or not bool((self.headroom >= 0).all()) or self.margin_shells < 0:
            raise MaskError(f"s(k) must be positive; headroom and margin_shells={self.margin_shells} must not be negative")

    def profile(self, fsc: float, last_shell: int) -> Profile:
        """Return the profile that leaves shells up to ``last_shell`` this FSC, or all they have, and keeps the mean.

        Coefficients beyond the Nyquist circle have probability 0, since back-projection never uses them; it uses the half of
        the Nyquist shell that lies inside the circle.

        Raises:
            MaskError: an FSC outside (0, 1), or a last shell that the box does not have.
        """
        if not 0 < fsc < 1 or not 1 <= last_shell < len(self.snr):
            raise MaskError(f"fsc={fsc:g} must lie in (0, 1) and last_shell={last_shell} in 1 ... {len(self.snr) - 1}")
        level = torch.expm1(2 * (math.atanh(fsc) + self.headroom)) / 2
        keep = (level / self.snr.double()).clamp(max=1)
        keep[last_shell + self.margin_shells + 1 :] = 0
        keep[0] = 1
        if self.least is not None:
            keep = torch.maximum(keep, self.least)
        return Profile(keep, fsc, last_shell)

    def for_compression(self, compression: float, *, fsc_floor: float, last_shell: int) -> Profile:
        """Return the profile that keeps the most resolution at this compression (in degrees of freedom).

        ``last_shell``, the last that is wanted, is kept if every shell up to it can be left ``fsc_floor`` or all it has;
        otherwise the last shell for which that holds is kept. What then remains of the budget raises the FSC of the lower
        shells and, where all of them are measured whole, the last shell.

        Raises:
            MaskError: a compression below 1, or so high that not even the first shell is left ``fsc_floor``.
        """
        if not compression >= 1:
            raise MaskError(f"compression={compression} is below 1: that would measure more numbers than the image has")
        affordable = [k for k in range(1, last_shell + 1) if self.profile(fsc_floor, k).compression >= compression]
        if not affordable:
            highest = self.profile(fsc_floor, 1).compression
            also = "" if self.least is None else FOR_POSES
            left = f"the first shell below fsc_floor={fsc_floor:g}{also}"
            raise MaskError(f"compression={compression:g} leaves {left}: at most {highest:.4g}")
        last = affordable[-1]
        while last < len(self.snr) - 1 and self.profile(NEARLY_ONE, last).compression > compression:
            last += 1  # all shells up to the last are measured whole, and there is budget left
        low, high = math.atanh(fsc_floor), math.atanh(NEARLY_ONE)
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            cheap = self.profile(math.tanh(middle), last).compression > compression
            low, high = (middle, high) if cheap else (low, middle)
        return self.profile(math.tanh(high), last)
