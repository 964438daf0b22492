"""Which prior where: the best by paired differences, ties, and how that compares with the paper."""

import numpy as np
import pandas as pd
import pytest

from cryosense.metrics.row_columns import SCHEMA
from cryosense.reporting.tables.guidance import Guidance, guidance_words
from cryosense.runs.rows import as_table
from tests.tasks.runs import PIXEL, RADIAL

ADVICE = Guidance(edges=[2, 4], resamples=500, level=0.95, seed=0)
DDPM = {"prior": "ddpm", "sampler": "stationary", "samples": 1, "nfe": 20}


def rows_of(method: str, psnr: float | np.ndarray, operator: dict = RADIAL, **more: object) -> pd.DataFrame:
    """Rows of forty images; the images differ by far more than methods do."""
    images = 20 + 5 * np.random.default_rng(0).normal(size=40)
    row = operator | {"run_id": "r", "data": "made_up", "seed": 0, "reconstructor": method, "compression_dof": 2.0}
    row |= DDPM if method == "posterior" else {"prior": method if method in {"dct", "tv"} else None}
    return as_table(row | {"particle": list(range(40)), "psnr": (images + psnr).tolist()} | more, SCHEMA).to_pandas()


def advice(*frames: pd.DataFrame) -> pd.DataFrame:
    return ADVICE.table(pd.concat(frames)).set_index("range")


def test_the_best_prior_its_ties_and_the_best_of_all() -> None:
    wobble = 0.5 * np.random.default_rng(1).normal(size=40)
    wobble -= wobble.mean()
    table = advice(rows_of("dct", 0.2), rows_of("tv", 0.19 + wobble), rows_of("posterior", 0.1), rows_of("pinv", 0.6))
    line = table.loc["2 < C ≤ 4"]
    assert (line["best prior"], line["ties with"]) == ("dct", "tv")
    assert line["best of all methods"] == "pinv"
    assert (line["paper"], line["verdict"]) == ("sparse", "agrees")


def test_paired_differences_decide_where_intervals_of_means_overlap() -> None:
    line = advice(rows_of("dct", 0.0), rows_of("posterior", 0.05), rows_of("tv", -1.0)).iloc[0]
    assert (line["best prior"], line["ties with"], line["verdict"]) == ("posterior ddpm stationary 1x20", "", "disagrees")


def test_verdicts_that_say_neither() -> None:
    assert advice(rows_of("dct", 0.0), rows_of("tv", 0.1)).iloc[0]["verdict"] == "only sparse priors were run"
    assert advice(rows_of("dct", 0.0), rows_of("posterior", 0.0)).iloc[0]["verdict"] == "tie of both kinds"
    far = RADIAL | {"compression_nominal": 10.0}
    assert advice(rows_of("dct", 0.0, far), rows_of("posterior", 1.0, far)).iloc[0]["verdict"] == "no single advice"
    assert len(ADVICE.table(rows_of("pinv", 0.0))) == 0


def test_only_operators_that_all_methods_met_are_averaged() -> None:
    easy, hard = (PIXEL | {"compression_nominal": c} for c in (3.0, 4.0))
    frames = [rows_of("dct", 10.0, easy), rows_of("dct", 0.0, hard), rows_of("posterior", 1.0, hard)]
    line = advice(*frames).loc["2 < C ≤ 4"]
    assert line["best prior"] == "posterior ddpm stationary 1x20"
    assert line["operators"] == 1


def test_an_edge_belongs_to_the_range_below_it_and_held_back_images_do_not_count() -> None:
    frames = [rows_of("dct", 0.0, PIXEL | {"compression_nominal": c}) for c in (2.0, 16 / 7, 4.0, 4.1)]
    frames.append(rows_of("tv", 50.0, PIXEL, held_back=True))
    table = advice(*frames)
    assert table["operators"].to_dict() == {"C ≤ 2": 1, "2 < C ≤ 4": 2, "C > 4": 1}
    assert set(table["best prior"]) == {"dct"}
    assert next(guidance_words(table.reset_index()))["over"] == "1 operator, 40 images"


def test_edges_that_do_not_rise_are_refused() -> None:
    with pytest.raises(ValueError, match=r"edges"):
        Guidance(edges=[4, 2], resamples=10, level=0.95, seed=0)
