"""Is there anything in an FSC but chance?"""

from __future__ import annotations

from typing import NamedTuple

import torch
from scipy.stats import binom, norm
from torch import Tensor

from cryosense.errors import ArgumentError

DEVIATIONS = 2.0


class ChanceTest(NamedTuple):
    """How unlikely a curve is for two maps that have nothing in common: ``p_value``, and what it was found from.

    ``beyond`` of ``shells`` shells lie beyond two standard deviations, where chance puts 4.6 %; ``trend`` is the sum of all
    shells' deviations over its own standard deviation; ``largest`` is the deviation of the shell that is farthest out.
    """

    shells: int
    beyond: int
    trend: float
    largest: float
    p_value: float


def chance_test(curve: Tensor, first_shell: int) -> ChanceTest:
    """(n // 2 + 1,) FSC -> what chance says to shells ``first_shell`` ... n // 2 - 1.

    Where one of two maps is noise that is independent of the other, ``artanh FSC`` is normal with the variance 1 / m, m the
    ``4 pi k^2`` independent real numbers of shell k (Fisher 1915). Three tests are made: of the number of shells beyond two
    deviations (binomial, upper tail: several shells that agree), of their sum (normal, both tails: many that agree a little),
    and of the one that is farthest out (normal, both tails, of so many shells: one that agrees). The p-value is three times
    the smallest of theirs (Bonferroni). Noise that varies much within a shell, as where views are missing, has fewer
    independent numbers, and is found too often.

    Raises:
        ArgumentError: less than three shells.
    """
    last = len(curve) - 2  # back-projection fills half of the shell at Nyquist
    shells = torch.arange(first_shell, last + 1, dtype=torch.float64)
    if first_shell < 1 or len(shells) < 3:
        raise ArgumentError(f"shells {first_shell} to {last}: chance needs at least three shells to show")
    bounded = curve[first_shell : last + 1].double().clamp(-1 + 1e-12, 1 - 1e-12)
    z = torch.atanh(bounded) * torch.sqrt(4 * torch.pi * shells**2)
    beyond, trend, largest = int((z.abs() > DEVIATIONS).sum()), float(z.sum() / len(z) ** 0.5), float(z.abs().max())
    several = float(binom.sf(beyond - 1, len(z), 2 * norm.sf(DEVIATIONS)))
    many, one = float(2 * norm.sf(abs(trend))), len(z) * float(2 * norm.sf(largest))
    return ChanceTest(len(z), beyond, trend, largest, min(1.0, 3 * min(several, many, one)))
