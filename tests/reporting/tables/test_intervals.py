"""Bootstrap intervals against the normal theory they approach, and what they do with holes."""

import numpy as np
import pytest

from cryosense.reporting.tables.intervals import mean_intervals

SETTINGS = {"resamples": 1000, "level": 0.95, "seed": 0}


def test_interval_of_many_images_is_that_of_the_central_limit() -> None:
    values = np.random.default_rng(1).normal([3.0, -1.0], [2.0, 0.1], size=(4000, 2))
    means = mean_intervals(values, **SETTINGS)
    error = values.std(axis=0) / np.sqrt(len(values))
    np.testing.assert_allclose(means.mean, values.mean(axis=0))
    np.testing.assert_allclose((means.low - means.mean) / error, -1.96, atol=0.2)
    np.testing.assert_allclose((means.high - means.mean) / error, 1.96, atol=0.2)


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    values = np.random.default_rng(2).exponential(size=(100, 300))
    means = mean_intervals(values, **SETTINGS)
    assert 0.90 < np.mean((means.low < 1) & (means.high > 1)) < 0.98


def test_draws_depend_on_the_seed_and_not_on_how_many_are_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(3).normal(size=(50, 3))
    whole = mean_intervals(values, **SETTINGS)
    monkeypatch.setattr("cryosense.reporting.tables.intervals.DRAWS_AT_ONCE", 170)
    np.testing.assert_allclose(np.stack(mean_intervals(values, **SETTINGS)), np.stack(whole), rtol=1e-12)
    assert (mean_intervals(values, **SETTINGS | {"seed": 1}).low != whole.low).all()


def test_holes_are_left_out_and_what_cannot_have_an_interval_has_none() -> None:
    column = np.random.default_rng(4).normal(size=60)
    values = np.stack([column, np.full(60, np.nan), np.where(np.arange(60) == 3, np.inf, column)], axis=1)
    values[::2, 0] = np.nan
    means = mean_intervals(values, **SETTINGS)
    assert means.mean[0] == pytest.approx(column[1::2].mean())
    assert means.low[0] < means.mean[0] < means.high[0]
    assert np.isnan([means.mean[1], means.low[1], means.low[2]]).all()
    assert means.mean[2] == np.inf
    assert np.isnan(mean_intervals(column[:1, None], **SETTINGS).low).all()
