"""What quantisers leave of a map's shell: predicted against averages of simulated coefficients."""

import math

import numpy as np
import pytest

from cryosense.measurement.quantisers.codebook import Codebook, codebook, lloyd_max, uniform
from cryosense.measurement.quantisers.efficiency import kept, moments
from cryosense.measurement.quantisers.trellis import trellis

BOOKS = {
    "sign": lambda: codebook(np.zeros(1), np.array([-1.0, 1.0])),
    "coarse": lambda: uniform(1.7, 12.0, dither=False),
    "fine": lambda: uniform(0.5, 12.0, dither=False),
    "dithered": lambda: uniform(1.7, 12.0, dither=True),
    "dithered sign": lambda: lloyd_max(2, dither=True),
}
TRELLISES = {"trellis": lambda: trellis(0.55, 64), "coarse trellis": lambda: trellis(1.0, 8)}
COEFFICIENTS, PARTICLES = 3000, 200


def quantised(book: Codebook, y: np.ndarray, random: np.random.Generator) -> np.ndarray:
    u = random.uniform(-0.5, 0.5, y.shape) * book.dither_width
    of_particles = (y + u).reshape(len(y), -1).T.astype(np.float32)  # the numbers of each one after the other
    return book.values[book.quantise(of_particles).T.astype(int)].reshape(y.shape) - book.dither_share * u


@pytest.mark.parametrize("name", BOOKS)
def test_moments_are_those_of_decoded_values(name: str) -> None:
    book, random = BOOKS[name](), np.random.default_rng(0)
    noise = 0.7 * random.standard_normal((4, 200_000))
    signal = np.array([-1.2, 0.0, 0.4, 2.0])
    values = quantised(book, signal[:, None] + noise, random)
    expected = moments(book, signal, 0.7)
    np.testing.assert_allclose(values.mean(1), expected.mean, atol=0.01)
    np.testing.assert_allclose(values.var(1), expected.variance, atol=0.02)
    np.testing.assert_allclose((values * noise).mean(1) / 0.49, expected.slope, atol=0.02)


WEAK = [(0.01, math.inf), (0.3, math.inf), (0.3, 1.0)]
STRONG = [(1.5, math.inf), (1.5, 0.3)]  # not of a trellis, whose numbers are predicted as if all the others were normal


@pytest.mark.parametrize(
    ("name", "snr", "turned"), [(n, *s) for n in BOOKS for s in WEAK + STRONG] + [(n, *s) for n in TRELLISES for s in WEAK]
)
def test_what_a_shell_keeps_is_what_averages_of_particles_show(name: str, snr: float, turned: float) -> None:
    book, random = (BOOKS | TRELLISES)[name](), np.random.default_rng(1)
    ctf = random.uniform(-1, 1, PARTICLES)
    amplitudes = np.abs(random.standard_normal((COEFFICIENTS, 2)) @ [1, 1j]) * math.sqrt(snr / np.mean(ctf**2) / 2)
    total = math.sqrt(1 + np.mean(ctf**2) * np.mean(amplitudes**2))
    phase = random.uniform(0, 2 * math.pi, (COEFFICIENTS, PARTICLES))
    if turned < math.inf:  # one phase of a coefficient, and what origins add to it
        phase = phase[:, :1] + turned * random.standard_normal(phase.shape)
    both = phase[..., None] + np.array([math.pi / 4, -math.pi / 4])  # a coefficient and its Friedel mate
    signal = ctf[:, None] * amplitudes[:, None, None] * math.sqrt(2) * np.cos(both)
    y = signal + random.standard_normal(signal.shape)

    def averaged(values: np.ndarray) -> np.ndarray:
        plus, minus = values[..., 0], values[..., 1]
        turned = ((plus + minus) + 1j * (minus - plus)) / 2 * np.exp(-1j * phase)
        return (ctf * turned).sum(1) / (ctf**2).sum()

    plain, made = averaged(y), averaged(total * quantised(book, y / total, random))
    noise, difference = (np.mean(np.abs(error) ** 2) for error in (plain - amplitudes, made - plain))
    factor = (made * amplitudes).sum().real / (amplitudes**2).sum()
    left = np.mean(np.abs(made - factor * amplitudes) ** 2)
    predicted = kept(book, amplitudes, ctf, float((ctf**2).sum()), turned)
    # The powers of 3,000 complex coefficients are known to two per cent.
    assert noise / (noise + difference) == pytest.approx(predicted.power, abs=0.02)
    assert factor**2 * noise / left == pytest.approx(predicted.worth, rel=0.06, abs=0.01)


def test_a_weak_signal_keeps_eta() -> None:
    for make in (BOOKS | TRELLISES).values():
        book = make()
        few = kept(book, np.full(10, 1e-3), np.ones(5), 1000.0)
        assert few.power == pytest.approx(book.eta, abs=2e-3)
        assert few.worth == pytest.approx(book.eta, abs=2e-3)


@pytest.mark.parametrize("name", TRELLISES)
def test_moments_of_a_trellis_are_those_of_single_signals_among_noise(name: str) -> None:
    book, random = TRELLISES[name](), np.random.default_rng(2)
    noise = random.standard_normal((4, 400_000))
    signal, few = np.array([-1.2, 0.0, 0.4, 2.0]), slice(None, None, 16)
    mixed = noise.copy()
    mixed[:, few] = signal[:, None] + 0.7 * noise[:, few]
    values = book.values[book.quantise(mixed.astype(np.float32))][:, few]
    expected = moments(book, signal, 0.7)
    np.testing.assert_allclose(values.mean(1), expected.mean, atol=0.02)
    np.testing.assert_allclose(values.var(1), expected.variance, atol=0.03)
    np.testing.assert_allclose((values * noise[:, few]).mean(1) / 0.7, expected.slope, atol=0.03)
