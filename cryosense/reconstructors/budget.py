"""What the same budget buys without compressive sensing: fewer frequencies, or fewer bits."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from cryosense.operators import FourierSampling, LinearOperator
from cryosense.reconstructors.base import Estimate, Reconstructor


class FourierCrop(Reconstructor):
    """The lowest frequencies, a square of them, as many as the configured operator has degrees of freedom."""

    name = "fourier_crop"

    def operator(self, configured: LinearOperator) -> LinearOperator:
        n = configured.box_size
        reach = max(0, (math.isqrt(int(configured.rank.min())) - 1) // 2)
        axis = (torch.arange(n) - n // 2).abs() <= reach
        mask = (axis[:, None] & axis[None, :]).to(configured.measurement_norms)
        return FourierSampling(mask)

    def estimate(self, y: Tensor, operator: LinearOperator) -> Estimate:
        return Estimate(operator.pinv(y))


class Quantised(Reconstructor):
    """All pixels, quantised so coarsely that an entropy coder stores them in the configured operator's bits.

    The quantiser is uniform with one step per image, the finest that fits by bisection. The code length is that of an adaptive
    arithmetic coder (Krichevsky and Trofimov 1981) over the levels between the image's extremes, whose learning is paid for,
    plus 96 bits for step, offset and number of levels. So the rate is one that a coder reaches, not a bound.

    Args:
        bits_per_number: of the configured operator's measurements, which sets the budget.
    """

    HEADER_BITS = 96
    name = "quantised"

    def __init__(self, bits_per_number: int) -> None:
        super().__init__()
        self.bits_per_number = bits_per_number
        self._budget: Tensor | None = None

    def operator(self, configured: LinearOperator) -> LinearOperator:
        self._budget = configured.measurement_bits(self.bits_per_number)
        return FourierSampling(torch.ones(configured.box_size, configured.box_size).to(configured.measurement_norms))

    def bits(self, operator: LinearOperator, bits_per_number: int) -> Tensor:
        if self._budget is None:
            raise ValueError("no budget yet: ask for the operator first")
        return self._budget

    def estimate(self, y: Tensor, operator: LinearOperator) -> Estimate:
        if self._budget is None:
            raise ValueError("no budget yet: ask for the operator first")
        x = operator.pinv(y)
        low, span = x.flatten(1).amin(1), x.flatten(1).amax(1) - x.flatten(1).amin(1)
        budget = self._budget.to(y.device).expand(len(x))
        fine, coarse = span * 2**-16, span.clamp_min(torch.finfo(x.dtype).tiny)
        for _ in range(24):
            step = torch.sqrt(fine * coarse)
            fits = code_length_bits(self._levels(x, low, step)) + self.HEADER_BITS <= budget
            fine, coarse = torch.where(fits, fine, step), torch.where(fits, step, coarse)
        step = coarse.reshape(-1, 1, 1, 1)
        return Estimate(low.reshape(-1, 1, 1, 1) + step * self._levels(x, low, coarse).reshape(x.shape))

    @staticmethod
    def _levels(x: Tensor, low: Tensor, step: Tensor) -> Tensor:
        """(b, 1, n, n), (b,), (b,) -> (b, n^2) int64: index of the nearest level."""
        return torch.round((x.flatten(1) - low[:, None]) / step[:, None]).long()


def code_length_bits(levels: Tensor) -> Tensor:
    """(b, k) int64 from 0 -> (b,): bits that an adaptive (Krichevsky-Trofimov) coder writes for each row, to within two.

    With counts c_j of m levels among k symbols: log2 of Gamma(k + m/2) Gamma(1/2)^m / (Gamma(m/2) prod_j Gamma(c_j + 1/2)).
    """
    lengths = []
    for row in levels:
        counts = torch.bincount(row).double()
        m, k = len(counts), float(counts.sum())
        nats = math.lgamma(k + m / 2) - math.lgamma(m / 2) + m * math.lgamma(0.5) - float(torch.lgamma(counts + 0.5).sum())
        lengths.append(nats / math.log(2))
    return torch.tensor(lengths, dtype=torch.float64, device=levels.device)
