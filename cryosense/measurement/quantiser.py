"""From real numbers to what is kept of them, and what that costs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

from torch import Tensor

from cryosense.errors import ArgumentError
from cryosense.measurement.measurement import FLOAT_BITS, stated_bits
from cryosense.operators.base import LinearOperator
from cryosense.shown import ShowsParameters


class Quantised(NamedTuple):
    """Measurements as they are after decoding."""

    y: Tensor  # (b, ...)
    noise_std: Tensor  # (1 or b, ...), or what broadcasts to it: deviation of what was added, in row coordinates
    bits: Tensor  # (b,) float64, spent on each image


class Quantiser(ShowsParameters, ABC):
    """What happens to a measurement between the detector and the reconstruction: quantised, coded, decoded.

    Attributes:
        learns: whether it needs ``fit``.
    """

    learns = False

    @property
    def words(self) -> str | None:
        """What it is, in tables; None where a table says no more than bits."""
        return None

    def operator(self, configured: LinearOperator) -> LinearOperator:
        """Return the operator without the coefficients on which this quantiser spends no bits."""
        return configured

    def fit(self, y: Tensor, operator: LinearOperator, numbers: Tensor) -> None:
        """Learn from measurements (b, ...) of a first portion of the particles what is then the same for all."""
        del y, operator, numbers

    @abstractmethod
    def __call__(self, y: Tensor, operator: LinearOperator, numbers: Tensor) -> Quantised:
        """Return what is left of measurements (b, ...) by ``operator``; particle numbers (b,) key random draws."""


class Identity(Quantiser):
    """Numbers as they are.

    Args:
        bits_per_number: bits stated for each number, at which nothing is taken to be lost.

    Raises:
        ArgumentError: bits that are not positive.
    """

    def __init__(self, bits_per_number: float = FLOAT_BITS) -> None:
        if not bits_per_number > 0:
            raise ArgumentError(f"bits_per_number={bits_per_number}: give more than 0")
        self.bits_per_number = bits_per_number

    def __call__(self, y: Tensor, operator: LinearOperator, numbers: Tensor) -> Quantised:
        return Quantised(y, operator.no_row_noise, stated_bits(operator, self.bits_per_number, len(numbers)))
