"""What a design may spend, or must leave: one of three."""

from __future__ import annotations

from dataclasses import dataclass

from cryosense.errors import ArgumentError
from cryosense.tasks.advise.prediction import Prediction


@dataclass(frozen=True)
class Budget:
    """One of three, the others None.

    Attributes:
        bits_per_pixel: of the levels of a particle, over all its pixels.
        bytes_per_particle: in the file, all included.
        share: of the particles, that those measured are to be worth at least.

    Raises:
        ArgumentError: none or more of them, or a number out of range.
    """

    bits_per_pixel: float | None = None
    bytes_per_particle: float | None = None
    share: float | None = None

    def __post_init__(self) -> None:
        given = {name: value for name, value in vars(self).items() if value is not None}
        if len(given) != 1:
            raise ArgumentError(
                "give one of bits_per_pixel (levels alone), bytes_per_particle (all that is in the file) and share (of the "
                "particles, that those measured are to be worth)"
            )
        ((name, value),) = given.items()
        if not value > 0 or (name == "share" and value >= 1):
            raise ArgumentError(f"{name}={value:g}: give a number above 0{' and below 1' if name == 'share' else ''}")

    @property
    def words(self) -> str:
        """As it was given."""
        return ", ".join(f"{name}={value:g}" for name, value in vars(self).items() if value is not None)

    def level_bits(self, box_size: int) -> float | None:
        """Return bits of a particle's levels where these are what is given."""
        return None if self.bits_per_pixel is None else self.bits_per_pixel * box_size**2

    def within(self, made: Prediction) -> bool:
        """Return whether a design is not above the bytes that are given."""
        return self.bytes_per_particle is None or made.bytes <= self.bytes_per_particle

    def reached(self, made: Prediction) -> bool:
        """Return whether a design leaves the share that is asked for."""
        return self.share is None or (made.equivalent or 0.0) >= self.share
