"""What a quantiser leaves of a shell's signal-to-noise ratio in a map, even where the signal is not weak.

A stored number y = s + n has signal s and normal noise n. The moments of its decoded value Q given s have closed forms:
m(s) = E[Q | s] and v(s) = Var(Q | s). Over the particles that contribute to a coefficient of the map, Q averages to m, not to
s: their difference is distortion that no number of particles averages out. A Hartley coefficient of a slice is
``c A sqrt(2) cos(theta + delta)``, and its Friedel mate has the sine: A is the amplitude of the map's coefficient, theta its
phase, c the CTF, and delta what the particle's origin adds to the phase. After delta is undone the average of both is a
complex number ``T(A, theta)``. Where delta is anything, it is ``E[c sqrt(2) cos(phi) m] / E[c^2]``, a describing function
(Gelb and Vander Velde 1968); in low shells, where origins hardly turn phases, it depends on theta: that too is distortion.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from cryosense.measurement.quantisers.codebook import Codebook

SIGNALS, PHASES, QUANTILES, DITHERS, TURNS = 801, 32, 64, 32, 9
ANY_PHASE = 2.5  # radians, a deviation from which on the phase may be anything
HERMITE = 64  # of the Gauss-Hermite rule over a normal signal


class Moments(NamedTuple):
    """Moments of decoded values given the signal, each (k,)."""

    mean: np.ndarray
    variance: np.ndarray
    slope: np.ndarray  # of the mean; by Stein's lemma also Cov(Q, n) over the variance of n


class Kept(NamedTuple):
    """What quantisation leaves of a shell of a map.

    Attributes:
        power: N / (N + D), with N the power of the map's noise and D that of the difference which quantisation makes.
        worth: signal-to-noise ratio over that without quantisation: a common factor is not a loss here, other distortion is.
        gain: the common factor, of the signal; 1 where it is weak.
    """

    power: float
    worth: float
    gain: float


def moments(book: Codebook, signal: np.ndarray, noise_std: float) -> Moments:
    """Return the moments of decoded values for signals (k,), in units of the deviation by which numbers are divided."""
    from scipy.special import ndtr  # here, since SciPy takes half a second to import

    u = ((np.arange(DITHERS) + 0.5) / DITHERS - 0.5) * book.dither_width if book.dither_width else np.zeros(1)
    edges = np.concatenate([[-np.inf], book.edges, [np.inf]])
    shifted = (edges - signal[:, None, None] - u[:, None]) / noise_std
    probability = np.diff(ndtr(shifted), axis=-1)
    density = -np.diff(np.exp(-(shifted**2) / 2) / math.sqrt(2 * math.pi), axis=-1) / noise_std
    means, squares = book.outcomes
    taken = book.dither_share * u[:, None]
    mean = (probability * (means - taken)).sum(-1).mean(1)
    square = (probability * (squares - 2 * taken * means + taken**2)).sum(-1).mean(1)
    return Moments(mean, square - mean**2, (density * (means - taken)).sum(-1).mean(1))


def distortion_power(book: Codebook, signal_share: float) -> float:
    """Return E[(m(s) - s)^2] for a normal signal with ``signal_share`` of the variance."""
    if signal_share <= 0:
        return 0.0
    nodes, weights = np.polynomial.hermite_e.hermegauss(HERMITE)
    signal = nodes * math.sqrt(signal_share)
    mean = moments(book, signal, math.sqrt(max(1 - signal_share, 1e-12))).mean
    return float((weights * (mean - signal) ** 2).sum() / weights.sum())


def kept(book: Codebook, amplitudes: np.ndarray, ctf: np.ndarray, averaged: float, phase_std: float = math.inf) -> Kept:
    """Return what quantisation leaves of a shell.

    Args:
        book: the quantiser.
        amplitudes: (k,) coefficients of the noise-free map, over the standard deviation of a particle's noise.
        ctf: (p,) CTF values of particles in this shell.
        averaged: sum of the squared CTF over the particles that contribute to a coefficient: one over the map's noise,
            relative to a particle's.
        phase_std: standard deviation of delta in radians, that of an origin along a direction times the wave number.
    """
    amplitude, weight = _quantiles(np.abs(amplitudes)), _quantiles(np.abs(ctf))
    total = math.sqrt(1 + float(np.mean(np.abs(ctf) ** 2)) * float(np.mean(np.abs(amplitudes) ** 2)))
    reach = math.sqrt(2) * float(amplitude.max() * weight.max()) / total
    grid = np.linspace(-reach, reach, SIGNALS)
    of_grid = moments(book, grid, 1 / total)
    phase = math.sqrt(2) * np.cos((np.arange(PHASES) + 0.5) * math.pi / PHASES)
    at = amplitude[:, None, None] * weight[:, None] * phase / total  # (amplitude, particle, phase)
    variance, slope = (np.interp(at, grid, values) for values in of_grid[1:])
    squares = weight**2 / np.mean(weight**2)
    noise = total**2 * (squares[:, None] * variance).mean()
    added = noise + 1 - 2 * (squares[:, None] * slope).mean()
    average = total * _average(amplitude / total, weight, phase_std, lambda signal: np.interp(signal, grid, of_grid.mean))
    factor = float((amplitude * average.real.mean(1)).sum() / (amplitude**2).sum())
    common, rest = (float(np.mean(np.abs(average - f * amplitude[:, None]) ** 2)) * averaged for f in (1.0, factor))
    return Kept(float(1 / (1 + added + common)), float(factor**2 / (noise + rest)), factor)


def _average(
    amplitude: np.ndarray, weight: np.ndarray, phase_std: float, mean: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Return T(A, theta), (amplitudes, thetas) complex, its phase relative to theta."""
    theta = (np.arange(PHASES) + 0.5) * 2 * math.pi / PHASES
    if phase_std > ANY_PHASE:
        delta, chance = theta, np.full(PHASES, 1 / PHASES)
        theta = np.zeros(1)
    else:
        nodes, chance = np.polynomial.hermite_e.hermegauss(TURNS)
        delta, chance = nodes * phase_std, chance / chance.sum()
    whole = 0.0
    for turn, share in zip(delta, chance, strict=True):
        cosine, sine = np.cos(theta + turn), np.sin(theta + turn)
        signal = math.sqrt(2) * amplitude[:, None, None] * weight[:, None]
        pair = mean(signal * cosine) + 1j * mean(signal * sine)  # of a coefficient and its mate
        whole = whole + share * (weight[:, None] * pair * np.exp(-1j * (theta + turn))).mean(1)
    return whole / math.sqrt(2) / np.mean(weight**2)


def _quantiles(values: np.ndarray) -> np.ndarray:
    """Return a few values that stand for all: means between quantiles, which preserve squares well."""
    parts = np.array_split(np.sort(values), min(QUANTILES, len(values)))
    return np.array([math.sqrt(float(np.mean(part**2))) for part in parts])
