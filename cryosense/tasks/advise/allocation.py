"""Bits by shell: reverse water-filling in whole quantisers.

A map whose shells have the signal-to-noise s(k) says of the structure, in nats,

    I = sum over k of 2 pi k^2 log(1 + s(k)),

as many parallel Gaussian channels as it has numbers. A quantiser of b bits leaves kept(k) of s(k) in the 2 pi k numbers that
each particle has in shell k. At one price a bit each shell takes the quantiser that makes the most of

    2 pi k^2 log(1 + kept(k) s(k)) - price 2 pi k b,

and the price that spends the bits there are makes the most of them all in all (Shoham and Gersho 1988).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Protocol

import torch
from torch import Tensor

from cryosense.measurement.quantisers import ByShell, Uniform
from cryosense.measurement.quantisers.levels import LevelQuantiser
from cryosense.tasks.advise.keeping import Keeping

STEPS = tuple(round(0.4 * 1.16**i, 2) for i in range(15))  # 0.4 to 3.2 deviations
BISECTIONS = 50


class Make(Protocol):
    """A quantiser with all set but the last shell."""

    def __call__(self, *, last_shell: int | None) -> LevelQuantiser: ...


@cache
def choices() -> tuple[Make, ...]:
    """Return what a shell can be quantised by: a step, with or without dither, which keeps strong signals from distortion."""
    return tuple(partial(Uniform, step, dither) for step in STEPS for dither in (False, True))


@cache
def whole() -> tuple[LevelQuantiser, ...]:
    """Return the choices, each for all shells."""
    return tuple(make(last_shell=None) for make in choices())


@dataclass(frozen=True)
class Allocation:
    """What bits buy in each shell up to a last one.

    Attributes:
        gain: (last, choices) nats of the map, shells from 1 on.
        cost: (last, choices) bits of a particle.
    """

    gain: Tensor
    cost: Tensor

    @classmethod
    def of(cls, keeping: Keeping, last_shell: int) -> Allocation:
        """From the signal of the whole data set; the map is looked at under its mask."""
        shells = torch.arange(1, last_shell + 1, dtype=torch.float64)
        made = whole()
        kept = [[keeping.of(each.books[0], shell) for each in made] for shell in range(1, last_shell + 1)]
        signal = keeping.signal
        s = signal.mask_gain * signal.map_snr[1 : last_shell + 1]
        gain = 2 * torch.pi * shells[:, None] ** 2 * torch.log1p(torch.tensor(kept) * s[:, None])
        bits = torch.tensor([each.bits_per_number[0] for each in made], dtype=torch.float64)
        return cls(gain, 2 * torch.pi * shells[:, None] * bits)

    def at(self, price: float) -> Tensor:
        """Return, (last,), the choice of each shell at so many nats a bit."""
        return (self.gain - price * self.cost).argmax(1)

    def spending(self, bits: float) -> Tensor:
        """Return, (last,), the choices that make the most of so many bits of a particle, or of the fewest there can be."""
        low, high = 0.0, float(self.gain.max() / self.cost.min())
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.spent(self.at(middle)) > bits else (low, middle)
        return self.at(high)

    def spent(self, chosen: Tensor) -> float:
        """Return bits of a particle."""
        return float(self.cost.gather(1, chosen[:, None]).sum())


def allocated(allocation: Allocation, bits_per_number: float) -> LevelQuantiser:
    """Return the quantiser that spends so many bits a number, in the mean over the shells that are measured."""
    last = len(allocation.gain)
    numbers = torch.pi * last * (last + 1)
    return by_shell(allocation.spending(bits_per_number * numbers).tolist())


def by_shell(chosen: Sequence[int]) -> LevelQuantiser:
    """Return, for choices of shells 1, 2, ..., a part for each run of shells that choose alike; shell 0 is with shell 1."""
    ends = [k for k in range(1, len(chosen) + 1) if k == len(chosen) or chosen[k] != chosen[k - 1]]
    parts = [choices()[chosen[end - 1]](last_shell=end) for end in ends]
    return parts[0] if len(parts) == 1 else ByShell(parts)
