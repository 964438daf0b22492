"""The table of scores: names tell what they are against, columns and lists follow from it."""

import pytest
import torch

from cryosense.metrics import Scores
from cryosense.metrics.row_columns import SCHEMA
from cryosense.metrics.score_table import CLEAN, SCORES, Against, Score


@pytest.mark.parametrize("score", SCORES, ids=lambda score: score.name)
def test_a_score_is_what_its_line_says(score: Score) -> None:
    assert score.name.endswith(CLEAN) == (score.against is Against.CLEAN)
    assert str(SCHEMA.field(score.name).type) == "double"
    assert score.decimals > 0
    if score.function is None:
        assert score.name.startswith("lpips") or score.against is Against.MEASUREMENT
        return
    clean, noise = torch.randn(2, 2, 1, 32, 32, generator=torch.Generator().manual_seed(0)) / 4
    near, far = score.function(clean + noise / 4, clean), score.function(clean + noise, clean)
    assert near.shape == (2,)
    assert ((near > far) if score.higher_is_better else (near < far)).all()


def test_what_shares_work_with_others_is_what_its_function_says() -> None:
    x, reference = torch.randn(2, 3, 1, 32, 32, generator=torch.Generator().manual_seed(0)) / 4
    found = {**Scores(None)(x, reference), **Scores(None).against_clean(x, reference)}
    for score in SCORES:
        if score.function is not None:
            assert torch.equal(found[score.name], score.function(x, reference)), score.name


def test_every_score_of_images_is_computed_and_no_other() -> None:
    x = torch.rand(2, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    computed = [*Scores(None)(x, x), *Scores(None).against_clean(x, x)]
    assert computed == [score.name for score in SCORES if score.against is not Against.MEASUREMENT]
