"""What a profile of bits is designed for."""

from __future__ import annotations

from dataclasses import dataclass

from cryosense.errors import ArgumentError
from cryosense.tasks.design.budget import Budget
from cryosense.tasks.design.known import Known
from cryosense.tasks.design.making import Designed, Making
from cryosense.tasks.mask_design.alignment_floor import AlignmentFloor, Floors

OF_WEAK = 0.95  # of what tells two poses apart, that is kept where even all of it is little


@dataclass(frozen=True)
class BitDesign:
    """What bits are designed for.

    Attributes:
        budget: what may be spent, or must be left.
        alignment: what must be left to find poses by.
        resolution_angstrom: every shell up to it is measured; None for as far as bits are worth more there than elsewhere.
        confidence: standard deviations by which s is taken to be higher where it says how far the data may resolve, and lower
            where it says what poses need.
    """

    budget: Budget
    alignment: AlignmentFloor
    resolution_angstrom: float | None = None
    confidence: float = 1.0

    def __post_init__(self) -> None:
        if not self.confidence >= 0:
            raise ArgumentError(f"confidence={self.confidence:g}: not negative")

    def make(self, known: Known) -> Designed:
        """Return the design for a data set.

        Raises:
            ArgumentError: a budget too small for what is asked, a resolution that is not to be had, or poses that are not.
        """
        last = known.signal.worth_measuring(self.confidence)
        return Making(known, self.budget, self.floors(known), self.resolution_angstrom, last).designed()

    def floors(self, known: Known) -> Floors | None:
        """Return what poses need. Raises ArgumentError where they cannot be found."""
        snr, particles = known.signal.snr, known.signal.particles * known.signal.views
        lower = (snr.log_snr - self.confidence * snr.deviation).exp()
        return self.alignment.floors(lower, particles, known.turns, OF_WEAK)
