"""Scalar quantisers of a number of unit variance: where levels part, what they decode to, what is lost.

For a fixed quantiser Q and normal y, Q(y) = B y + d with B = E[y Q(y)] and d uncorrelated with y (Bussgang 1952). Decoded
values are divided by B: then y comes back in full, with added noise of variance 1 / eta - 1, where eta = B^2 / E[Q^2] is the
share of the variance of Q that y explains. Where y is a weak signal in noise, eta is also the share of the signal's
information that is left.

With subtractive dither u, uniform over ``width`` and known to the decoder, Q(y + u) - beta u takes the place of Q(y), with
the beta that leaves the least noise (1 for a uniform quantiser that is not overloaded).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

DITHER_POINTS = 256  # of the midpoint rule over the dither
LLOYD_ITERATIONS, LLOYD_TOLERANCE = 5000, 1e-10


@dataclass(frozen=True)
class Codebook:
    """One scalar quantiser, in units of the standard deviation of its input.

    Attributes:
        edges: (L - 1,) float64, ascending, where levels part; a number on an edge belongs to the upper level.
        values: (L,) float64, what levels decode to, divided by the gain B.
        probabilities: (L,) of the levels, for normal y.
        eta: share of the output's variance that y explains; see the module's docstring.
        dither_width: width of the uniform dither; 0 for none.
        dither_share: share of the dither that is subtracted from the decoded value.
        step: distance between edges that are evenly spaced, None where they are not.
    """

    edges: np.ndarray
    values: np.ndarray
    probabilities: np.ndarray
    eta: float
    dither_width: float
    dither_share: float
    step: float | None

    @property
    def levels(self) -> int:
        """Number of levels."""
        return len(self.values)

    @property
    def outcomes(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and mean square of what is decoded, dither aside, for numbers between the edges, (L,) each."""
        return self.values, self.values**2

    @property
    def added_std(self) -> float:
        """Standard deviation of the noise that is added to a number of unit variance."""
        return math.sqrt(max(1 / self.eta - 1, 0.0))

    @property
    def entropy_bits(self) -> float:
        """Entropy of the levels in bits, for normal y."""
        return entropy_bits(self.probabilities)

    def quantise(self, numbers: np.ndarray) -> np.ndarray:
        """Return the levels (b, m) of numbers (b, m) float32."""
        if self.levels == 2:
            return numbers >= np.float32(self.edges[0])
        if self.step is not None:
            scaled = numbers - np.float32(self.edges[0])
            scaled *= np.float32(1 / self.step)
            np.floor(scaled, out=scaled)
            levels = np.clip(scaled, -1, self.levels - 2, out=scaled).astype(np.int32)
            levels += 1
            return levels
        return np.searchsorted(self.edges.astype(np.float32), numbers, side="right").astype(np.int32)


def entropy_bits(probabilities: np.ndarray) -> float:
    """Return the entropy, in bits, of probabilities (L,) that sum to 1."""
    some = probabilities[probabilities > 0]
    return float(-(some * np.log2(some)).sum())


def codebook(edges: np.ndarray, values: np.ndarray, dither_width: float = 0.0, step: float | None = None) -> Codebook:
    """Return the quantiser with edges (L - 1,) and values (L,) on any scale, its decoded values divided by its gain."""
    u = (np.arange(DITHER_POINTS) + 0.5) / DITHER_POINTS - 0.5 if dither_width else np.zeros(1)
    u = u * dither_width
    probabilities, first_moments = _moments(edges, u)
    gain = float((first_moments.mean(0) * values).sum())
    square = float((probabilities.mean(0) * values**2).sum())
    with_dither = float((u[:, None] * probabilities * values).sum(1).mean())
    spread = float((u**2).mean())
    share = with_dither / spread if spread else 0.0
    eta = gain**2 / (square - share * with_dither)
    return Codebook(edges, values / gain, probabilities.mean(0), eta, dither_width, share / gain, step)


def uniform(step: float, reach: float, dither: bool) -> Codebook:
    """Return levels at multiples of ``step``, zero among them, up to ``reach`` deviations; numbers beyond get the last."""
    last = math.ceil(reach / step)
    values = step * np.arange(-last, last + 1, dtype=np.float64)
    return codebook(values[1:] - step / 2, values, step if dither else 0.0, step)


def lloyd_max(levels: int, dither: bool) -> Codebook:
    """Return the quantiser of least mean square error (Max 1960, Lloyd 1982): edges midway, values the means between edges."""
    values = np.linspace(-1, 1, levels) * math.sqrt(levels - 1)
    for _ in range(LLOYD_ITERATIONS):
        edges = (values[1:] + values[:-1]) / 2
        probabilities, first_moments = _moments(edges, np.zeros(1))
        values, before = first_moments[0] / probabilities[0], values
        if np.abs(values - before).max() < LLOYD_TOLERANCE:
            break
    width = float(np.diff(values).mean()) if dither else 0.0
    return codebook((values[1:] + values[:-1]) / 2, values, width)


def _moments(edges: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities and first moments, (d, L), of normal y between the edges when y + u is quantised, u (d,)."""
    from scipy.special import ndtr  # here, since SciPy takes half a second to import

    shifted = np.concatenate([[-np.inf], edges, [np.inf]]) - u[:, None]
    density = np.exp(-(shifted**2) / 2) / math.sqrt(2 * math.pi)
    return np.diff(ndtr(shifted), axis=1), -np.diff(density, axis=1)
