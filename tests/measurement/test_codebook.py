"""Quantisers of normal numbers against their closed forms and published tables."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from cryosense.measurement.quantisers.codebook import Codebook, codebook, lloyd_max, uniform
from cryosense.measurement.quantisers.efficiency import distortion_power


def with_spacing(levels: int, spacing: float) -> Codebook:
    """Edges evenly spaced, values the means between them."""
    edges = spacing * (np.arange(levels - 1) - (levels - 2) / 2)
    plain = codebook(edges, np.arange(levels, dtype=float) - (levels - 1) / 2)
    bounds = np.concatenate([[-np.inf], edges, [np.inf]])
    density = np.exp(-(bounds**2) / 2) / math.sqrt(2 * math.pi)
    return codebook(edges, -np.diff(density) / plain.probabilities)


def test_a_sign_has_the_gain_and_share_of_the_closed_form() -> None:
    sign = codebook(np.zeros(1), np.array([-1.0, 1.0]))
    assert sign.eta == pytest.approx(2 / math.pi)
    assert sign.values[1] == pytest.approx(1 / math.sqrt(2 / math.pi))  # E|y|, the gain
    assert sign.entropy_bits == pytest.approx(1)


@pytest.mark.parametrize(("levels", "eta", "bits"), [(2, 0.637, 1.0), (3, 0.810, 1.54), (4, 0.882, 1.91), (8, 0.964, 2.80)])
def test_evenly_spaced_edges_reach_the_table_of_radio_astronomy(levels: int, eta: float, bits: float) -> None:
    spacing = minimize_scalar(lambda x: -with_spacing(levels, x).eta, bounds=(0.2, 3), method="bounded").x
    best = with_spacing(levels, spacing)
    assert best.eta == pytest.approx(eta, abs=6e-4)
    # At three levels the optimum is flat, and the entropy moves more than eta does.
    assert best.entropy_bits == pytest.approx(bits, abs=0.03)


@pytest.mark.parametrize(("levels", "error"), [(2, 0.3634), (3, 0.1902), (4, 0.1175), (8, 0.03454), (16, 0.009497)])
def test_lloyd_max_has_the_published_mean_square_error(levels: int, error: float) -> None:
    # Max 1960, table I: for a quantiser whose values are means, eta = 1 - error.
    assert 1 - lloyd_max(levels, dither=False).eta == pytest.approx(error, rel=2e-3)


@pytest.mark.parametrize(("bits", "eta"), [(0.5, 0.381), (1, 0.651), (1.5, 0.822), (2, 0.910), (2.5, 0.955), (3, 0.978)])
def test_entropy_coded_uniform_quantisers_reach_the_table(bits: float, eta: float) -> None:
    at = minimize_scalar(lambda step: abs(uniform(step, 12.0, False).entropy_bits - bits), bounds=(0.2, 4), method="bounded").x
    best = uniform(at, 12.0, dither=False)
    assert best.entropy_bits == pytest.approx(bits, abs=1e-3)
    assert best.eta == pytest.approx(eta, abs=0.006)
    assert best.eta < 1 - 2 ** (-2 * bits)  # Shannon's bound


@pytest.mark.parametrize("book", [uniform(0.8, 12.0, True), lloyd_max(4, True), lloyd_max(2, True)], ids=["uniform", "4", "2"])
def test_dithered_numbers_are_as_noisy_as_stated(book: Codebook) -> None:
    random = np.random.default_rng(0)
    y, u = random.standard_normal(400_000), random.uniform(-0.5, 0.5, 400_000) * book.dither_width
    decoded = book.values[np.searchsorted(book.edges, y + u, side="right")] - book.dither_share * u
    assert (y * decoded).mean() == pytest.approx(1, abs=0.01)
    assert (decoded - y).std() == pytest.approx(book.added_std, rel=0.01)


def test_a_dithered_uniform_quantiser_adds_a_twelfth_of_its_step_squared() -> None:
    book = uniform(0.8, 12.0, dither=True)
    assert book.added_std == pytest.approx(0.8 / math.sqrt(12), rel=1e-3)
    assert book.dither_share == pytest.approx(1, abs=1e-3)


def test_distortion_of_a_sign_follows_the_arcsine_law() -> None:
    sign = codebook(np.zeros(1), np.array([-1.0, 1.0]))
    for share in (0.1, 0.5, 0.9):
        assert distortion_power(sign, share) == pytest.approx(math.asin(share) - share, rel=1e-3)
