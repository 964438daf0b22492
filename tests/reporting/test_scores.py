"""Lists of scores that follow from the table; the paper's order; words in the titles of images."""

import math

import pandas as pd

from cryosense.metrics.score_table import Shown
from cryosense.reporting.scores import COMPARED, NAMES, in_paper_order, picture_legend, picture_words, shown


def test_the_papers_scores_come_first_then_all_against_the_clean_image() -> None:
    assert in_paper_order(["psnr_clean", "psnr", "ssim_clean", "ssim", "correlation_clean", "lpips"]) == [
        *("lpips", "ssim", "psnr"),
        *("ssim_clean", "psnr_clean", "correlation_clean"),
    ]


def test_a_score_is_shown_where_it_can_be_judged() -> None:
    assert not {name for name in COMPARED if "mse" in name or name == "mae"}
    assert set(shown(Shown.VERDICTS)) <= set(COMPARED)
    assert set(shown(Shown.TERMINAL)) <= set(shown(Shown.PAGE)) <= set(NAMES)


def test_titles_of_images_show_what_is_known() -> None:
    row = pd.Series(dict.fromkeys(NAMES, math.nan) | {"psnr": 21.26, "ssim": 0.507, "correlation_clean": None})
    assert picture_words(row) == ["21.3 dB", "ssim 0.51"]
    assert picture_legend([row]) == "psnr and ssim against the image as measured"
    known = row.copy()
    known[["lpips", "correlation_clean"]] = 0.2, 0.5
    assert picture_legend([row, known]) == "psnr, ssim and lpips against the image as measured, corr with the clean image"
