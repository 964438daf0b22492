"""Bits for each shell in whole quantisers: what a budget buys, or the fewest that leave a share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from scipy.optimize import brentq
from torch import Tensor

from cryosense.errors import ArgumentError
from cryosense.measurement import Full
from cryosense.measurement.quantisers import Uniform
from cryosense.measurement.quantisers.levels import LevelQuantiser
from cryosense.tasks.advise.allocation import COARSE, STEPS, Allocation
from cryosense.tasks.advise.keeping import Keeping
from cryosense.tasks.advise.prediction import Overhead, Prediction, predict
from cryosense.tasks.advise.schemes import Scheme
from cryosense.tasks.advise.signal import MARGIN
from cryosense.tasks.design.budget import Budget
from cryosense.tasks.design.filling import cheapest, coarser, filled, most
from cryosense.tasks.design.known import Known
from cryosense.tasks.mask_design.alignment_floor import Floors

BISECTIONS = 16
LESS = "(nothing, with poses=known; a larger pose_error_factor needs less)"
FLAT_STEPS = (0.05, 8.0)


@dataclass(frozen=True)
class Designed:
    """Bits for each shell.

    Attributes:
        quantiser: that spends them.
        expected: of it.
        flat: what is expected of one step in as many bits, for all shells that are worth measuring; None if there is none.
        left: (n // 2 + 1,) share of each shell's signal-to-noise that it leaves.
        last_shell: the last that would be worth measuring.
        of_the_most: nats of the map that it keeps, over those that none can pass.
    """

    quantiser: LevelQuantiser
    expected: Prediction
    flat: Prediction | None
    left: Tensor
    last_shell: int
    of_the_most: float


@dataclass(frozen=True)
class Making:
    """One design.

    Attributes:
        known: of the data set.
        budget: what may be spent, or must be left.
        floors: what poses need; None where they are known.
        resolution_angstrom: every shell up to it is measured; None for as far as bits are worth more there than elsewhere.
        last_shell: the last that is worth measuring.
    """

    known: Known
    budget: Budget
    floors: Floors | None
    resolution_angstrom: float | None
    last_shell: int

    @cached_property
    def keeping(self) -> Keeping:
        """What quantisers leave of this data set."""
        return Keeping(self.known.signal)

    @cached_property
    def allocation(self) -> Allocation:
        """What bits buy in each shell. Raises ArgumentError for a resolution that is not expected."""
        wanted, signal = self.resolution_angstrom, self.known.signal
        least = 1
        if wanted is not None:
            box = signal.box_size * signal.pixel_size_angstrom
            if box / wanted > self.last_shell + 1e-6:
                raise ArgumentError(f"resolution_angstrom={wanted:g}: nothing is expected beyond {box / self.last_shell:.2f}")
            least = min(max(1, int(box / wanted + 1e-6)) + MARGIN, self.last_shell)
        return Allocation.of(self.keeping, self.last_shell, least_last=least, steps=STEPS + COARSE)

    def designed(self) -> Designed:
        """Return the design. Raises ArgumentError if it cannot be had."""
        chosen = self.chosen()
        made, bits = self.expected(chosen), self.allocation.spent(chosen)
        assert isinstance(made.scheme.quantiser, LevelQuantiser)
        return Designed(
            quantiser=made.scheme.quantiser,
            expected=made,
            flat=self.flat(bits),
            left=made.scheme.shares(self.keeping),
            last_shell=self.last_shell,
            of_the_most=self.allocation.told(chosen) / most(self.allocation, bits, self.floors),
        )

    def chosen(self) -> Tensor:
        """Return the choices that the budget buys, or that leave its share."""
        budget, signal = self.budget, self.known.signal
        if budget.bytes_per_particle is not None and self.known.overhead is None:
            raise ArgumentError(
                "bytes_per_particle: what the table of the particles takes is seen in their STAR file: give the particles "
                "in the place of a pilot, or bits_per_pixel"
            )
        wanted, least = budget.level_bits(signal.box_size), cheapest(self.allocation, self.floors)
        if least is None:
            raise ArgumentError(f"{budget.words}: no quantiser leaves {self._needs}")
        if wanted is None:
            return self._found(least)
        found = filled(self.allocation, wanted, self.floors)
        if found is None:
            needed = self._rounded(self.allocation.spent(least))
            raise ArgumentError(f"{budget.words} leaves less than {self._needs}: at least {needed}")
        return found

    def _found(self, least: Tensor) -> Tensor:
        """Return the cheapest choices that leave the share, or the best within the bytes; ``least`` are needed."""
        budget, high = self.budget, float(self.allocation.cost.max(1).values.sum())
        if not budget.within(self.expected(least)):
            needed = math.ceil(self.expected(least).bytes)
            raise ArgumentError(f"{budget.words} leaves less than {self._needs}: at least {needed} bytes")
        finest = self.at(high)
        if not budget.reached(self.expected(finest)):
            share = self.expected(finest).equivalent or 0.0
            raise ArgumentError(f"{budget.words}: the finest quantisers leave {share:.4f}")
        if budget.bytes_per_particle is not None and budget.within(self.expected(finest)):
            return finest
        low = self.allocation.spent(least)
        for _ in range(BISECTIONS):
            middle = (low * high) ** 0.5
            made = self.expected(self.at(middle))
            enough = budget.reached(made) if budget.share is not None else not budget.within(made)
            low, high = (low, middle) if enough else (middle, high)
        if budget.share is None:
            return self.at(low)
        return coarser(self.allocation, self.at(high), self.floors, lambda chosen: budget.reached(self.expected(chosen)))

    def at(self, bits: float) -> Tensor:
        """Return the choices for so many bits, which are enough for the cheapest."""
        found = filled(self.allocation, bits, self.floors)
        assert found is not None, "the cheapest choices are among what is looked at"
        return found

    def expected(self, chosen: Tensor) -> Prediction:
        """Return what is to be expected of choices."""
        return self._predicted(self.allocation.quantiser(chosen))

    def flat(self, bits: float) -> Prediction | None:
        """Return what is to be expected of one step for all shells that are worth measuring, in as many bits."""
        each = bits / (math.pi * self.last_shell * (self.last_shell + 1))
        low, high = (Uniform(step).bits_per_number[0] - each for step in FLAT_STEPS)
        if low <= 0 or high >= 0:
            return None
        step = float(brentq(lambda step: Uniform(step).bits_per_number[0] - each, *FLAT_STEPS, xtol=1e-4))
        return self._predicted(Uniform(step, last_shell=self.last_shell))

    def _predicted(self, quantiser: LevelQuantiser) -> Prediction:
        return predict(Scheme("designed", quantiser, Full()), self.keeping, self.known.overhead or Overhead(0.0, 0.0))

    @property
    def _needs(self) -> str:
        wanted = self.resolution_angstrom
        resolution = "the first shell" if wanted is None else f"shells up to {wanted:g} Å"
        return resolution if self.floors is None else f"{resolution} and what poses need {LESS}"

    def _rounded(self, bits: float) -> str:
        """Return bits of a particle as a budget that is no smaller, three digits of it."""
        pixels = self.known.signal.box_size**2
        scale = 10.0 ** (2 - math.floor(math.log10(bits / pixels)))
        return f"bits_per_pixel={math.ceil(bits / pixels * scale) / scale:.3g}"
