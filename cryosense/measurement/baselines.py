"""What the same budget buys without compressive sensing: fewer frequencies, or all pixels in fewer bits."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from cryosense.measurement.design import Design
from cryosense.operators.base import LinearOperator
from cryosense.operators.fourier_sampling import FourierSampling
from cryosense.operators.pixel import PixelMasking


class Baseline(Design):
    """A design that replaces a configured one and appears under its own name in tables.

    Args:
        budget_of: the configured design.
    """

    def __init__(self, budget_of: Design) -> None:
        self.budget_of = budget_of
        self.domain, self.family = budget_of.domain, budget_of.family
        self.block_size, self.symmetric = budget_of.block_size, budget_of.symmetric
        self.per_particle = budget_of.per_particle

    @property
    def compression_nominal(self) -> float:
        return self.budget_of.compression_nominal


class FourierCrop(Baseline):
    """The lowest frequencies, in a square with as many as the configured operator has degrees of freedom for a particle."""

    def operator(self, box_size: int, numbers: Tensor) -> FourierSampling:
        ranks = self.budget_of.operator(box_size, numbers).rank
        return FourierSampling(torch.stack([low_square(box_size, int(rank)) for rank in ranks]))


class AllPixels(Baseline):
    """The image itself: all savings are left to the quantiser."""

    def __init__(self, budget_of: Design) -> None:
        super().__init__(budget_of)
        self.per_particle = False

    def operator(self, box_size: int, numbers: Tensor) -> LinearOperator:
        del numbers
        return PixelMasking(torch.ones(1, box_size, box_size), 1)


def low_square(box_size: int, count: int) -> Tensor:
    """Return the mask (n, n) of the largest odd square of low frequencies that holds at most ``count``, at least DC."""
    reach = max(0, (math.isqrt(count) - 1) // 2)
    axis = (torch.arange(box_size) - box_size // 2).abs() <= reach
    return (axis[:, None] & axis[None, :]).float()
