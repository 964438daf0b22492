"""Bits by shell: reverse water-filling in whole quantisers.

A map whose shells have the signal-to-noise s(k) says of the structure, in nats,

    I = sum over k of 2 pi k^2 log(1 + s(k)),

as many parallel Gaussian channels as it has numbers. A quantiser of b bits leaves kept(k) of s(k) in the 2 pi k numbers that
each particle has in shell k. At one price a bit each shell takes the quantiser that makes the most of

    2 pi k^2 log(1 + kept(k) s(k)) - price 2 pi k b,

and the price that spends the bits there are makes the most of them all in all (Shoham and Gersho 1988): no other choices that
spend no more say more of the map. Where shells may be left out they end where the rest is not worth its price.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Protocol

import torch
from torch import Tensor

from cryosense.measurement.quantisers import ByShell, Trellis, Uniform
from cryosense.measurement.quantisers.kinds import COARSEST_TRELLIS
from cryosense.measurement.quantisers.levels import LevelQuantiser
from cryosense.operators.sampling_profile import coefficients_per_shell
from cryosense.tasks.advise.keeping import Keeping

STEPS = tuple(round(0.4 * 1.16**i, 2) for i in range(15))  # 0.4 to 3.2 deviations
COARSE = tuple(round(STEPS[-1] * 1.16**i, 2) for i in range(1, 4))  # to 5: a tenth of a bit
TRELLIS_STEP = 0.55  # over the step of a uniform quantiser of as many bits
STRONG = 0.3  # signal over noise in a particle, up to which a trellis was seen to leave what is predicted
BISECTIONS = 50


class Make(Protocol):
    """A quantiser with all set but the last shell."""

    def __call__(self, *, last_shell: int | None) -> LevelQuantiser: ...


@cache
def choices(steps: tuple[float, ...] = STEPS, trellises: bool = True) -> tuple[Make, ...]:
    """Return what a shell can be quantised by: a step, with or without dither, which keeps strong signals from distortion.

    And, where they are wanted, trellises of as many bits as some of the steps.
    """
    scalar = tuple(partial(Uniform, step, dither) for step in steps for dither in (False, True))
    return scalar + tuple(partial(Trellis, step) for step in trellis_steps(steps) if trellises)


def trellis_steps(steps: tuple[float, ...] = STEPS) -> tuple[float, ...]:
    """Return the steps of trellises that have about as many bits as uniform quantisers of these steps."""
    return tuple(dict.fromkeys(round(TRELLIS_STEP * step, 2) for step in steps if TRELLIS_STEP * step <= COARSEST_TRELLIS))


@cache
def whole(steps: tuple[float, ...] = STEPS, trellises: bool = True) -> tuple[LevelQuantiser, ...]:
    """Return the choices, each for all shells."""
    return tuple(make(last_shell=None) for make in choices(steps, trellises))


@dataclass(frozen=True)
class Allocation:
    """What bits buy in each shell up to a last one.

    Attributes:
        gain: (last, choices) nats of the map, shells from 1 on.
        cost: (last, choices) bits of a particle.
        kept: (last, choices) share of a shell's signal-to-noise that is left.
        steps: of the choices.
        least_last: the last shell that must be measured; those beyond are as long as they are worth their price.
        trellises: whether they are among the choices.
    """

    gain: Tensor
    cost: Tensor
    kept: Tensor
    steps: tuple[float, ...]
    least_last: int
    trellises: bool = True

    @classmethod
    def of(
        cls,
        keeping: Keeping,
        last_shell: int,
        *,
        least_last: int | None = None,
        steps: tuple[float, ...] = STEPS,
        trellises: bool = True,
    ) -> Allocation:
        """From the signal of the whole data set; the map is looked at under its mask.

        ``least_last`` is None where every shell up to the last is to be measured.
        """
        shells = torch.arange(1, last_shell + 1, dtype=torch.float64)
        made = whole(steps, trellises)
        kept = torch.tensor([_kept(keeping, shell, made) for shell in range(1, last_shell + 1)], dtype=torch.float64)
        signal = keeping.signal
        s = signal.mask_gain * signal.map_snr[1 : last_shell + 1]
        numbers = coefficients_per_shell(signal.box_size)[: last_shell + 1]  # 2 pi k, as whole numbers are
        numbers[1] += numbers[0]
        gain = (numbers[1:] * shells)[:, None] * torch.log1p(kept * s[:, None])
        bits = torch.tensor([each.bits_per_number[0] for each in made], dtype=torch.float64)
        return cls(gain, numbers[1:, None] * bits, kept, steps, least_last or last_shell, trellises)

    def at(self, price: float) -> Tensor:
        """Return the choices of shells 1, 2, ... at so many nats a bit, as far as shells are measured at it."""
        best, chosen = (self.gain - price * self.cost).max(1)
        end = self.least_last + int(best.cumsum(0)[self.least_last - 1 :].argmax())
        return chosen[:end]

    def spending(self, bits: float) -> Tensor:
        """Return the choices that make the most of so many bits of a particle, or of the fewest there can be."""
        low, high = 0.0, 2 * float(self.gain.max() / self.cost.min())
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.spent(self.at(middle)) > bits else (low, middle)
        return self.at(high)

    def spent(self, chosen: Tensor) -> float:
        """Return bits of a particle."""
        return float(_of(self.cost, chosen).sum())

    def told(self, chosen: Tensor) -> float:
        """Return nats of the map."""
        return float(_of(self.gain, chosen).sum())

    def left(self, chosen: Tensor) -> Tensor:
        """Return, (last,), the share of each shell's signal-to-noise that is left, 0 where nothing is measured."""
        left = torch.zeros(len(self.kept), dtype=torch.float64)
        left[: len(chosen)] = _of(self.kept, chosen)
        return left

    def quantiser(self, chosen: Tensor) -> LevelQuantiser:
        """Return a part for each run of shells that choose alike; shell 0 is with shell 1."""
        picks, makes = chosen.tolist(), choices(self.steps, self.trellises)
        ends = [k for k in range(1, len(picks) + 1) if k == len(picks) or picks[k] != picks[k - 1]]
        parts = [makes[picks[end - 1]](last_shell=end) for end in ends]
        return parts[0] if len(parts) == 1 else ByShell(parts)


def _kept(keeping: Keeping, shell: int, made: Sequence[LevelQuantiser]) -> list[float]:
    """Return what each choice leaves of a shell; of a trellis of strong signals alone nothing is known."""
    strong = keeping.snr[shell] > STRONG
    return [0.0 if strong and isinstance(each, Trellis) else keeping.of(each.books[0], shell) for each in made]


def _of(values: Tensor, chosen: Tensor) -> Tensor:
    return values[: len(chosen)].gather(1, chosen[:, None])[:, 0]


def allocated(allocation: Allocation, bits_per_number: float) -> LevelQuantiser:
    """Return the quantiser that spends so many bits a number, in the mean over the shells that are measured."""
    last = len(allocation.gain)
    return allocation.quantiser(allocation.spending(bits_per_number * torch.pi * last * (last + 1)))
