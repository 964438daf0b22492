"""Every score of two images obeys the laws, and what does not is told which law it breaks."""

import pytest
from torch import Tensor

from cryosense.laws import LawError
from cryosense.metrics import mse
from cryosense.metrics.checks import check_score
from cryosense.metrics.score_table import SCORES as ALL
from cryosense.metrics.score_table import ImageScore, Score

SCORES = [score for score in ALL if score.function is not None]


@pytest.mark.parametrize("score", SCORES, ids=[score.name for score in SCORES])
def test_they_obey_the_laws(score: Score) -> None:
    assert score.function is not None
    check_score(score.function, higher_is_better=score.higher_is_better)


def over_the_batch(x: Tensor, reference: Tensor) -> Tensor:
    return (x - x.mean(0, keepdim=True) - reference).square().mean((1, 2, 3)).neg()


def in_place(x: Tensor, reference: Tensor) -> Tensor:
    return x.sub_(reference).square().mean((1, 2, 3)).neg()


@pytest.mark.parametrize(
    ("score", "law"),
    [
        (lambda x, reference: (x - reference).square().mean(), "one number for each of 4 images"),
        (over_the_batch, "neighbours"),
        (in_place, "left as they were"),
        (mse, "higher is better: noise does not improve it"),
        (lambda x, reference: mse(x, reference) * float("nan"), "finite"),
    ],
)
def test_a_broken_law_is_named(score: ImageScore, law: str) -> None:
    with pytest.raises(LawError, match=law):
        check_score(score)
