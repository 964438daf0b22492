"""Whether an FSC holds anything but chance."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from cryosense.errors import ArgumentError

DEVIATIONS = 2.0


class ChanceTest(NamedTuple):
    """How unlikely a curve is for two maps that have nothing in common: ``p_value`` and what it was computed from.

    ``beyond`` of ``shells`` shells lie beyond two standard deviations, where chance puts 4.6 %; ``trend`` is the sum of all
    shells' deviations over its own standard deviation; ``largest`` is the largest deviation of any shell.
    """

    shells: int
    beyond: int
    trend: float
    largest: float
    p_value: float


def chance_test(curve: Tensor, first_shell: int) -> ChanceTest:
    """Test an FSC (n // 2 + 1,) against chance in shells ``first_shell`` to n // 2 - 1.

    If one of two maps is noise that is independent of the other, ``artanh FSC`` is normal with variance 1 / m, m the ``4 pi
    k^2`` independent real numbers of shell k (Fisher 1915). Three tests are made: of the number of shells beyond two
    deviations (binomial, upper tail: several shells that agree), of their sum (normal, both tails: many that agree a little),
    and of the shell that is farthest out (normal, both tails, corrected for the number of shells: one that agrees). The
    p-value is three times the smallest of theirs (Bonferroni). Noise that varies much within a shell, as where views are
    missing, has fewer independent numbers, so that agreement is found too often.

    Raises:
        ArgumentError: fewer than three shells.
    """
    last = len(curve) - 2  # back-projection fills only half of the shell at Nyquist
    shells = torch.arange(first_shell, last + 1, dtype=torch.float64)
    if first_shell < 1 or len(shells) < 3:
        raise ArgumentError(f"shells {first_shell} to {last}: the chance test needs at least three shells")
    bounded = curve[first_shell : last + 1].double().clamp(-1 + 1e-12, 1 - 1e-12)
    z = torch.atanh(bounded) * torch.sqrt(4 * torch.pi * shells**2)
    beyond, trend, largest = int((z.abs() > DEVIATIONS).sum()), float(z.sum() / len(z) ** 0.5), float(z.abs().max())
    several = at_least(beyond, len(z), beyond_normal(DEVIATIONS))
    many, one = beyond_normal(trend), len(z) * beyond_normal(largest)
    return ChanceTest(len(z), beyond, trend, largest, min(1.0, 3 * min(several, many, one)))


# Written out, since SciPy's statistics take half a second to import.


def beyond_normal(deviations: float) -> float:
    """Return the probability that a normal number lies at least so many deviations from its mean, on either side."""
    return math.erfc(abs(deviations) / math.sqrt(2))


def at_least(count: int, trials: int, probability: float) -> float:
    """Return the probability that ``count`` or more of ``trials`` happen that have this probability, above 0 and below 1."""
    yes, no = math.log(probability), math.log1p(-probability)
    ways = [math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1) for k in range(trials + 1)]
    return min(1.0, math.fsum(math.exp(ways[k] + k * yes + (trials - k) * no) for k in range(count, trials + 1)))
