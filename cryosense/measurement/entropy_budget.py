"""Numbers quantised so coarsely that an entropy coder stores them in the bits of another design's measurements."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from cryosense.measurement.design import Design
from cryosense.measurement.measurement import stated_bits
from cryosense.measurement.quantiser import Quantised, Quantiser
from cryosense.operators.base import LinearOperator
from cryosense.operators.generic import per_image

HEADER_BITS = 96  # step, offset and number of levels
FINEST = 2.0**-16  # of the range of an image
BISECTIONS = 24


class EntropyBudget(Quantiser):
    """A uniform quantiser with one step per image, the finest that fits the budget, by bisection.

    The code length is that of an adaptive arithmetic coder (Krichevsky and Trofimov 1981) over the levels between the image's
    extremes, whose learning is paid for, plus the header. So the rate is one that a coder reaches, not a bound.

    Args:
        budget_of: the design whose measurements set the budget, each particle's its own.
        bits_per_number: of these measurements.
    """

    def __init__(self, budget_of: Design, bits_per_number: float = 8) -> None:
        self.budget_of, self.bits_per_number = budget_of, bits_per_number

    def __call__(self, y: Tensor, operator: LinearOperator, numbers: Tensor) -> Quantised:
        budget = stated_bits(self.budget_of.operator(operator.box_size, numbers), self.bits_per_number, len(y)).to(y.device)
        low, span = y.flatten(1).amin(1), y.flatten(1).amax(1) - y.flatten(1).amin(1)
        fine, coarse = span * FINEST, span.clamp_min(torch.finfo(y.dtype).tiny)
        for _ in range(BISECTIONS):
            step = torch.sqrt(fine * coarse)
            fits = code_length_bits(_levels(y, low, step)) + HEADER_BITS <= budget
            fine, coarse = torch.where(fits, fine, step), torch.where(fits, step, coarse)
        decoded = per_image(low, y.ndim) + per_image(coarse, y.ndim) * _levels(y, low, coarse).reshape(y.shape)
        gain = operator.row_noise_gain
        return Quantised(decoded, per_image(coarse / math.sqrt(12), gain.ndim) * gain, budget)


def _levels(y: Tensor, low: Tensor, step: Tensor) -> Tensor:
    """(b, ...), (b,), (b,) -> (b, k) int64: index of the nearest level."""
    return torch.round((y.flatten(1) - low[:, None]) / step[:, None]).long()


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
