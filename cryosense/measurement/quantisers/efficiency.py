"""What a quantiser leaves of a shell's signal-to-noise in a map, also where the signal is not weak.

A coefficient y = s + n of unit variance, signal s of share r of it, both normal; Q = y + d with d uncorrelated with y. Over
particles that see the same s, the mean of Q tends to E[Q | s] = s + h(s): h is what is lost for ever, a distortion that does
not average out. Its power follows from the correlation of Q between two such particles, whose y correlate by r.
"""

from __future__ import annotations

import math

import numpy as np

from cryosense.measurement.quantisers.codebook import Codebook

POINTS = 64  # of the Gauss-Hermite rule over the signal


def distortion_power(book: Codebook, signal_share: float) -> float:
    """-> E[h(s)^2] where the signal has ``signal_share`` of the variance; without dither (with it, about 0)."""
    if signal_share <= 0:
        return 0.0
    from scipy.special import ndtr  # here, since SciPy takes half a second to import

    nodes, weights = np.polynomial.hermite_e.hermegauss(POINTS)
    s, weights = nodes * math.sqrt(signal_share), weights / weights.sum()
    shifted = (np.concatenate([[-np.inf], book.edges, [np.inf]]) - s[:, None]) / math.sqrt(max(1 - signal_share, 1e-12))
    mean = (np.diff(ndtr(shifted), axis=1) * book.values).sum(1)
    return float((weights * (mean - s) ** 2).sum())


def efficiency(book: Codebook, snr: float, particles: float = 1.0, correlation: float = 1.0) -> float:
    """-> the share of its signal-to-noise that a map's shell keeps, in which a particle has ``snr`` signal to noise.

    Args:
        particles: averaged in each coefficient of the map, of which the signal is the same but for its sign and CTF.
        correlation: mean over pairs of these of how much of the distortion they have in common: 1 without a CTF.

    Without distortion in common it is 1 / (1 + (1 + snr) (1 / eta - 1)), and eta where the signal is weak.
    """
    total = 1 + snr
    added = total * (1 / book.eta - 1)
    common = 0.0 if book.dither_width else total * distortion_power(book, snr / total) * correlation
    return 1 / (1 + added + common * (particles - 1))
