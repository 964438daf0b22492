"""The summary: what is averaged over what, who beats the pseudo-inverse, and that 100,000 rows take seconds."""

import numpy as np
import pandas as pd
import pytest

from cryosense.metrics.row_columns import SCHEMA
from cryosense.reporting.tables.formats import markdown_table, text_table
from cryosense.reporting.tables.summary import best, summarise
from cryosense.runs.rows import as_table
from tests.tasks.runs import PIXEL, RADIAL

SETTINGS = {"resamples": 500, "level": 0.95, "seed": 0}


def rows_of(method: str, psnr: np.ndarray, operator: dict = PIXEL, **more: object) -> pd.DataFrame:
    row = operator | {"run_id": f"{operator['operator']}_{method}_{more.get('seed', 0)}", "data": "made_up", "seed": 0}
    row |= {"reconstructor": method, "compression_dof": 2.0, "particle": list(range(len(psnr))), "psnr": psnr.tolist()}
    return as_table(row | more, SCHEMA).to_pandas()


def image_scores(images: int = 40) -> np.ndarray:
    """PSNR of images that differ much more from one another than methods do."""
    return 20 + 5 * np.random.default_rng(0).normal(size=images)


def test_mean_interval_and_order_of_operators_and_methods() -> None:
    psnr = image_scores()
    methods = ["tv", "posterior", "zero_filled", "wavelet", "pinv", "dct", "wiener"]
    lines = summarise(pd.concat([rows_of(m, psnr, op) for op in (RADIAL, PIXEL) for m in methods]), **SETTINGS)
    natural = ["zero_filled", "pinv", "wiener", "dct", "wavelet", "tv", "posterior"]
    assert lines["reconstructor"].tolist() == natural * 2
    assert lines["operator"].tolist() == ["fourier"] * 7 + ["pixel"] * 7
    np.testing.assert_allclose(lines["psnr"], psnr.mean())
    assert (lines["psnr_low"] < psnr.mean()).all()
    assert (lines["images"] == 40).all()


def test_paired_differences_see_what_the_spread_of_images_hides() -> None:
    psnr = image_scores()
    wobble = 0.05 * np.random.default_rng(1).normal(size=psnr.shape)
    methods = {"pinv": 0.0, "dct": wobble - 0.2, "tv": wobble + 0.2, "wavelet": wobble - wobble.mean(), "zero_filled": 1e-6}
    frame = pd.concat([rows_of(method, psnr + change) for method, change in methods.items()])
    lines = summarise(frame, **SETTINGS).set_index("reconstructor")
    assert lines.loc["dct", "psnr_high"] > lines.loc["pinv", "psnr_low"]
    assert lines.loc["dct", "d_psnr_vs_pinv"] == pytest.approx(-0.2, abs=0.03)
    assert lines["psnr_beats_pinv"].to_dict() == {
        "zero_filled": "tie", "pinv": "", "dct": "no", "wavelet": "tie", "tv": "yes",
    }  # fmt: skip


def test_pairs_are_of_one_image_one_operator_and_one_seed() -> None:
    psnr = image_scores(6)
    other = rows_of("pinv", psnr + 9, RADIAL)
    other_seed = rows_of("pinv", psnr + 9, seed=1)
    frame = pd.concat([rows_of("pinv", psnr), other, other_seed, rows_of("dct", psnr[:4] + 1), rows_of("tv", psnr, seed=2)])
    lines = summarise(frame.sample(frac=1, random_state=0), **SETTINGS).set_index(["operator", "reconstructor"])
    assert lines.loc[("pixel", "dct"), "d_psnr_vs_pinv"] == pytest.approx(1)
    assert np.isnan(lines.loc[("pixel", "tv"), "d_psnr_vs_pinv"])
    assert lines.loc[("pixel", "tv"), "psnr_beats_pinv"] == ""


def test_an_image_measured_with_several_seeds_counts_once() -> None:
    psnr = image_scores(5)
    frame = pd.concat(
        [rows_of("dct", psnr + shift, seed=seed, compression_dof=2.0 + shift) for seed, shift in enumerate([0, 1])]
    )
    lines = summarise(frame, **SETTINGS)
    assert lines[["images", "runs"]].to_numpy().tolist() == [[5, 2]]
    assert lines.loc[0, "psnr"] == pytest.approx(psnr.mean() + 0.5)
    assert lines.loc[0, "compression_dof"] == pytest.approx(2.5)
    single = summarise(rows_of("dct", psnr), **SETTINGS)
    assert lines.loc[0, "psnr_high"] - lines.loc[0, "psnr_low"] == pytest.approx(
        single.loc[0, "psnr_high"] - single.loc[0, "psnr_low"]
    )


def test_best_is_per_operator_and_knows_which_way_is_better() -> None:
    psnr = image_scores(8)
    frame = pd.concat(
        [rows_of(m, psnr + d, op, lpips=0.5 - d) for op in (PIXEL, RADIAL) for m, d in (("pinv", 0.1), ("dct", 0.2))]
    )
    lines = summarise(frame, **SETTINGS)
    assert lines.loc[best(lines, "psnr"), "reconstructor"].tolist() == ["dct", "dct"]
    assert lines.loc[best(lines, "lpips"), "reconstructor"].tolist() == ["dct", "dct"]
    assert not best(lines, "ssim_clean").any()


def test_a_mean_over_fewer_images_is_not_the_best() -> None:
    psnr = image_scores(8)
    lines = summarise(pd.concat([rows_of("pinv", psnr), rows_of("dct", psnr[:2] + 9, prior="dct")]), **SETTINGS)
    assert lines.loc[best(lines, "psnr"), "reconstructor"].tolist() == ["pinv"]


def test_tables_show_both_compressions_and_leave_out_empty_columns() -> None:
    psnr = image_scores()
    lines = summarise(pd.concat([rows_of("pinv", psnr), rows_of("dct", psnr - 1, weight=0.01, prior="dct")]), **SETTINGS)
    text, markdown = text_table(lines, 0.95), markdown_table(lines, 0.95)
    header, _, operator, pinv, dct = text.splitlines()[:5]
    assert {"nominal", "dof"} <= set(header.split())
    assert "lpips" not in header
    assert operator == "made_up: pixel random_binary, K = 4, C = 2 nominal"
    assert pinv.split()[:4] == ["pinv", "2.00", "2.00", "40"]
    assert f"{psnr.mean():.2f}±" in pinv
    assert pinv.count("*") == 1
    assert dct.split()[:2] == ["dct", "w=0.01"]
    assert dct.split()[-1] == "no/-/-"
    assert "-1.00 [-1.00, -1.00]" in markdown
    assert len({len(line) for line in (header, pinv, dct)}) == 1
    table = [line for line in markdown.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in table}) == 1
    assert f"**{psnr.mean():.2f} [{lines.loc[0, 'psnr_low']:.2f}, {lines.loc[0, 'psnr_high']:.2f}]**" in table[2]
