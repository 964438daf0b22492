"""Choices of weights: what was chosen comes back, what is no choice is named."""

from pathlib import Path

import pytest

from cryosense.tasks.reconstruct.fitting import WeightChoice
from cryosense.tasks.reconstruct.weights import WeightCache

CHOICE = WeightChoice("psnr", "measured", [0.1, 0.2], [20.0, 21.0], 0.2, True)


def test_a_choice_comes_back_under_its_own_key_alone(tmp_path: Path) -> None:
    cache = WeightCache(tmp_path / "weights", "one")
    assert cache.read() is None
    cache.write(CHOICE)
    assert WeightCache(tmp_path / "weights", "one").read() == CHOICE
    assert WeightCache(tmp_path / "weights", "other").read() is None


@pytest.mark.parametrize("text", ["{", "[1]", '{"weight": 1}'])
def test_what_is_no_choice_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "one.json").write_text(text)
    with pytest.raises(ValueError, match=r"one.json is not a choice of weights .*: remove it"):
        WeightCache(tmp_path, "one").read()
