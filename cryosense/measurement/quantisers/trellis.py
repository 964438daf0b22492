"""Trellis-coded quantisation: the error of one step, at the bits of one almost twice as coarse.

A number's level k decodes to about 2k steps by the even quantiser, and to 2k - sign(k) by the odd one. Which of them a number
has follows from the levels before it: from the state of a machine that goes on by whether levels are even (Marcellin and
Fischer 1990; the codes are Ungerboeck's, 1982). The encoder takes those levels of all numbers of a particle for which the sum
of squared errors and a price of their bits is least, by Viterbi's algorithm; either quantiser has a model of its own in the
entropy coder (Fischer and Wang 1992).

What a number becomes depends on the others, but on their magnitudes alone: it is the same when another changes its sign. So
of independent normal numbers E[Q_i y_j] = 0 and E[Q_i Q_j] = 0 for i != j, and as with scalar quantisers Q = B y + d, with a d
that is white and uncorrelated with y, and all follows that ``codebook`` says. Numbers that are weaker than expected get fewer
bits than a scalar quantiser would give them, and in the end none: at one bit those below two thirds of the deviation vanish
together, so no coarser steps are offered. Where the signal is not weak, a number is taken
for one of a quantiser that draws its levels by chance, as they were seen to fall for normal numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np

from cryosense.measurement.quantisers.codebook import Codebook, entropy_bits
from cryosense.seeding import generator

# By the number of states: parity-check polynomials, octal, of Ungerboeck's codes for amplitudes (1982, table I).
CODES = {4: (0o5, 0o2), 8: (0o13, 0o04), 16: (0o23, 0o04), 32: (0o45, 0o10), 64: (0o103, 0o024)}
REACH, BINS = 12.0, 4096  # deviations, and how finely the nearest levels are tabulated up to there
PRICE = 0.39  # of a bit in squared steps: the most of y that is explained, from 0.5 to 3 bits
SEEN_WIDTH, SEEN_UP_TO, SPARSE = 0.0625, 8.0, 32  # deviations, of the bins in which outcomes are seen, and where these end
TRAINING, SEEN, ROUNDS, TRAINING_STATES = 60_000, 400_000, 8, 8
RARE = 0.05  # of a level that was not seen


@dataclass(frozen=True)
class Machine:
    """Which state follows which.

    Attributes:
        after: (states, 2) int64, after an even and an odd level.
        before: (states, 2) int64, the states before each.
        branches: (states, 2) int64, kind of the branches from there: 0, 1 even and odd levels of the even quantiser, 2, 3 of
            the other.
    """

    after: np.ndarray
    before: np.ndarray
    branches: np.ndarray

    @staticmethod
    @cache
    def of(states: int) -> Machine:
        """Return the machine of so many states, a key of ``CODES``."""
        state, odd = np.arange(states)[:, None], np.arange(2)
        after = (state >> 1) ^ ((state & 1) * (CODES[states][0] >> 1)) ^ (odd * (CODES[states][1] >> 1))
        order = np.argsort(after, axis=None, kind="stable").reshape(states, 2)
        return Machine(after, order // 2, 2 * (order // 2 & 1) + order % 2)


@dataclass(frozen=True)
class Encoder:
    """Which levels numbers get.

    Attributes:
        machine: of the states.
        nearest: (4, bins) int32, the level that each kind of branch takes for numbers of a bin.
        costs: (2, 2K) float32, of levels: where they decode to with the least error, and what they cost in squares.
    """

    machine: Machine
    nearest: np.ndarray
    costs: np.ndarray

    @classmethod
    def of(cls, states: int, values: np.ndarray, prices: np.ndarray) -> Encoder:
        """Make the tables of values and prices (2K,) float64."""
        numbers = ((np.arange(BINS) + 0.5) / BINS * 2 - 1) * REACH
        kinds = 2 * (np.arange(len(values)) >= len(values) // 2) + (_steps(values) & 1)
        nearest = []
        for kind in range(4):
            levels = np.flatnonzero(kinds == kind)
            nearest.append(levels[((numbers[:, None] - values[levels]) ** 2 + prices[levels]).argmin(1)])
        return cls(Machine.of(states), np.array(nearest, np.int32), np.stack([values, prices]).astype(np.float32))

    def __call__(self, numbers: np.ndarray) -> np.ndarray:
        """Return the levels (m,) int32 of one particle's numbers (m,)."""
        from cryosense.measurement.quantisers.compiled import choose  # here, since compilers are large

        levels, bins = np.empty(len(numbers), np.int32), (np.float32(-REACH), np.float32(BINS / 2 / REACH))
        y = np.asarray(numbers, np.float32)
        choose(y, *bins, self.nearest, self.costs, self.machine.before, self.machine.branches, levels)
        return levels


@dataclass(frozen=True)
class TrellisBook(Codebook):
    """A quantiser whose levels depend on each other; ``values`` and ``probabilities`` are those of both quantisers, (2K,).

    Attributes:
        edges: between bins of y.
        encoder: of levels.
        seen: E[Q | y] and E[Q^2 | y] in the bins.
    """

    encoder: Encoder
    seen: tuple[np.ndarray, np.ndarray]

    @property
    def outcomes(self) -> tuple[np.ndarray, np.ndarray]:
        return self.seen

    @property
    def machine(self) -> Machine:
        """Which state follows which, of the levels that are encoded."""
        return self.encoder.machine

    @property
    def entropy_bits(self) -> float:
        """Entropy of a level, in bits, where it is known which quantiser it is of."""
        halves = np.split(self.probabilities, 2)
        return sum(float(half.sum()) * entropy_bits(half / half.sum()) for half in halves)

    def quantise(self, numbers: np.ndarray) -> np.ndarray:
        return np.stack([self.encoder(row) for row in numbers])


@lru_cache(maxsize=256)
def trellis(step: float, states: int) -> TrellisBook:
    """Return the quantiser of a step, in standard deviations, made for normal numbers.

    Its values are the means of what becomes them, its prices the bits that its levels take, which are found in turns. What it
    leaves is counted in numbers that it was not made of.
    """
    values = _values(step)
    steps = np.abs(_steps(values))
    shares, numbers = np.exp(-steps.astype(float)), generator(0, 0).standard_normal(TRAINING)
    for _ in range(ROUNDS):
        levels = Encoder.of(TRAINING_STATES, values, _prices(step, shares))(numbers)
        shares, sums = _both_signs(levels, len(values)), _both_signs(levels, len(values), numbers)
        values = np.where(shares > 0, sums / np.maximum(shares, 1), values)
        shares = shares + RARE
    encoder = Encoder.of(states, values, _prices(step, shares))
    return _seen(encoder, values, step)


def _seen(encoder: Encoder, values: np.ndarray, step: float) -> TrellisBook:
    """Return the book of an encoder: what it leaves of normal numbers."""
    random = generator(0, 1)
    numbers = random.standard_normal(SEEN)
    levels = encoder(numbers)
    decoded, power = values[levels], float((numbers**2).mean())
    gain, square = float((numbers * decoded).mean()) / power, float((decoded**2).mean())
    far = numbers[: SEEN // 2].copy()
    far[::SPARSE] = random.uniform(-SEEN_UP_TO, SEEN_UP_TO, len(far[::SPARSE]))  # what normal numbers hardly are
    both = np.concatenate([numbers, far[::SPARSE]])
    outcomes = np.concatenate([decoded, values[encoder(far)[::SPARSE]]]) / gain
    edges = np.linspace(-SEEN_UP_TO, SEEN_UP_TO, 2 * round(SEEN_UP_TO / SEEN_WIDTH) + 1)
    bins = [np.searchsorted(edges, sign * both) for sign in (1, -1)]
    counts = np.maximum(sum(np.bincount(each, minlength=len(edges) + 1) for each in bins), 1)
    means, squares = (
        sum(np.bincount(each, sign**power * outcomes**power, len(edges) + 1) for each, sign in zip(bins, (1, -1), strict=True))
        / counts
        for power in (1, 2)
    )
    shares = _both_signs(levels, len(values))
    return TrellisBook(
        edges, values / gain, shares / shares.sum(), gain**2 * power / square, 0.0, 0.0, step, encoder, (means, squares)
    )


def _steps(values: np.ndarray) -> np.ndarray:
    """Return the number k of each level (2K,)."""
    of_one = len(values) // 2
    return np.tile(np.arange(of_one) - of_one // 2, 2)


def _values(step: float) -> np.ndarray:
    """Return (2K,) where levels are to begin with."""
    last = max(2, math.ceil(REACH / (2 * step)))
    k = np.arange(-last, last + 1)
    return np.concatenate([2 * k, 2 * k - np.sign(k)]) * step


def _prices(step: float, shares: np.ndarray) -> np.ndarray:
    """Return what levels cost, (2K,), from how many there are of each."""
    halves = np.split(shares, 2)
    return -PRICE * step**2 * np.concatenate([np.log2(half / half.sum()) for half in halves])


def _both_signs(levels: np.ndarray, count: int, weights: np.ndarray | None = None) -> np.ndarray:
    """Return how many there are of each level (count,), or their sums of weights, as many of either sign."""
    halves = np.bincount(levels, weights, count).astype(float).reshape(2, -1)
    mirrored = halves[:, ::-1] if weights is None else -halves[:, ::-1]
    return (halves + mirrored).reshape(-1)
