"""Curves: one family a figure, intervals as they are, each method looking the same everywhere."""

import numpy as np
import pandas as pd

from cryosense.metrics.row_columns import SCHEMA
from cryosense.reporting.report.curves import families, looks_of, score_curves
from cryosense.reporting.tables.summary import summarise
from cryosense.runs.rows import as_table
from tests.tasks.runs import PIXEL, RADIAL


def lines_of(*cells: tuple[str, dict, float]) -> pd.DataFrame:
    images = np.random.default_rng(0).normal(20, 2, 12)
    rows = [
        operator
        | {"run_id": f"{i}", "data": "made_up", "seed": 0, "reconstructor": method, "compression_nominal": c}
        | {"particle": list(range(12)), "psnr": (images - c).tolist(), "compression_dof": c - 0.5}
        for i, (method, operator, c) in enumerate(cells)
    ]
    frame = pd.concat([as_table(row, SCHEMA).to_pandas() for row in rows])
    return summarise(frame, resamples=100, level=0.95, seed=0)


def test_bars_end_where_intervals_end_and_both_compressions_are_on_the_axis() -> None:
    lines = lines_of(*[("pinv", PIXEL, c) for c in (2.0, 4.0)], ("tv", PIXEL, 2.0))
    [(name, figure)] = score_curves(lines)
    assert name == "made_up, pixel random_binary, K = 4"
    [axes] = figure.axes
    bars = axes.containers[0].lines[2][0].get_segments()
    of_pinv = lines[lines["reconstructor"] == "pinv"]
    np.testing.assert_allclose([bar[:, 1] for bar in bars], of_pinv[["psnr_low", "psnr_high"]])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["2\n(1.50)", "4\n(3.50)"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["pseudo-inverse", "total variation"]


def test_a_single_compression_is_no_curve_and_other_operators_are_other_families() -> None:
    cells = [("pinv", op, c) for op in (PIXEL, RADIAL, PIXEL | {"block_size": 8}) for c in (2.0, 4.0)]
    lines = lines_of(*cells, ("pinv", RADIAL | {"symmetric": False}, 2.0))
    assert [name for name, _ in families(lines)] == [
        "made_up, fourier radial, symmetric",
        "made_up, pixel random_binary, K = 4",
        "made_up, pixel random_binary, K = 8",
    ]


def test_the_baseline_is_black_and_nothing_else_is() -> None:
    looks = looks_of(lines_of(*[(m, PIXEL, 2.0) for m in ("tv", "pinv", "zero_filled")]))
    assert list(looks) == ["zero_filled", "pinv", "tv"]
    assert [look["color"] == "black" for look in looks.values()] == [False, True, False]
    assert looks["tv"]["color"] != looks["zero_filled"]["color"]
