"""Numbers quantised so coarsely that an entropy coder stores them in as many bits as another design's measurements."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from cryosense.measurement.design import Design
from cryosense.measurement.measurement import stated_bits
from cryosense.measurement.quantiser import Quantised, Quantiser
from cryosense.operators.base import LinearOperator
from cryosense.operators.generic import per_image

HEADER_BITS = 160  # mean, step, number of levels, gain and deviation of what is lost
FINEST = 2.0**-16  # of the range of an image
BISECTIONS = 24


class EntropyBudget(Quantiser):
    """A uniform quantiser with one step per image: the finest that fits the budget, found by bisection.

    Levels are multiples of the step from the image's mean: at few bits most numbers share a level, and thresholds lie where
    others are. They are decoded by their gain on this image (Bussgang 1952), which leaves what is added uncorrelated with it.

    The code length is that of an adaptive arithmetic coder (Krichevsky and Trofimov 1981) over the levels between the image's
    extremes, the cost of learning included, plus the header. So the rate is one that a coder reaches, not a bound.

    Args:
        budget_of: the design whose measurements set the budget, each particle's its own.
        bits_per_number: bits of each of these measurements.
    """

    def __init__(self, budget_of: Design, bits_per_number: float = 8) -> None:
        self.budget_of, self.bits_per_number = budget_of, bits_per_number

    def __call__(self, y: Tensor, operator: LinearOperator, numbers: Tensor) -> Quantised:
        budget = stated_bits(self.budget_of.operator(operator.box_size, numbers), self.bits_per_number, len(y)).to(y.device)
        flat = y.flatten(1)
        mean = torch.stack([row.double().mean() for row in flat]).to(y.dtype)
        span = flat.amax(1) - flat.amin(1)
        fine, coarse = span * FINEST, span.clamp_min(torch.finfo(y.dtype).tiny)
        for _ in range(BISECTIONS):
            step = torch.sqrt(fine * coarse)
            fits = code_length_bits(_levels(y, mean, step)) + HEADER_BITS <= budget
            fine, coarse = torch.where(fits, fine, step), torch.where(fits, step, coarse)
        made = coarse[:, None] * _levels(y, mean, coarse)
        inverse_gain, added = _decoding(flat - mean[:, None], made)
        decoded = (mean[:, None] + inverse_gain[:, None] * made).reshape(y.shape)
        gain = operator.row_noise_gain
        return Quantised(decoded, per_image(added, gain.ndim) * gain, budget)


def _decoding(values: Tensor, made: Tensor) -> tuple[Tensor, Tensor]:
    """Return one over the gain, (b,), 0 where nothing is left, and the added deviation (b,), from values and their levels.

    One image after the other: sums over several would depend on how many there are.
    """
    inverse, added = [], []
    for row, levels in zip(values.double(), made.double(), strict=True):
        signal, both, square = row @ row, row @ levels, levels @ levels
        inverse.append(signal / both if both > 0 else torch.zeros_like(both))
        lost = inverse[-1] ** 2 * square - signal if both > 0 else signal
        added.append((lost.clamp_min(0) / len(row)).sqrt())
    return torch.stack(inverse).to(values.dtype), torch.stack(added).to(values.dtype)


def _levels(y: Tensor, mean: Tensor, step: Tensor) -> Tensor:
    """Return the nearest multiples of the step from the mean, (b, k) int64."""
    return torch.round((y.flatten(1) - mean[:, None]) / step[:, None]).long()


def code_length_bits(levels: Tensor) -> Tensor:
    """Return the bits, (b,), that an adaptive (Krichevsky-Trofimov) coder writes for each row of levels, to within two.

    Levels are (b, k) int64. With counts c_j of m levels among k symbols, the length is log2 of
    ``Gamma(k + m/2) Gamma(1/2)^m / (Gamma(m/2) prod_j Gamma(c_j + 1/2))``.
    """
    lengths = []
    for row in levels:
        counts = torch.bincount(row - row.min()).double()
        m, k = len(counts), float(counts.sum())
        nats = math.lgamma(k + m / 2) - math.lgamma(m / 2) + m * math.lgamma(0.5) - float(torch.lgamma(counts + 0.5).sum())
        lengths.append(nats / math.log(2))
    return torch.tensor(lengths, dtype=torch.float64, device=levels.device)
