"""Surveys of images: made once, kept in one file."""

import numpy as np
import pytest
import torch

from cryosense.data import ParticleStack, SurveyRecord
from cryosense.runs.lock import locked


def test_what_one_that_was_killed_at_the_end_has_left_is_removed(tmp_path, noise, monkeypatch) -> None:
    np.save(tmp_path / "a.npy", noise(0, 7, 8, 8))
    stack, folder = ParticleStack.open(tmp_path / "a.npy"), tmp_path / ".data"
    record = SurveyRecord.for_data(folder, "data", {}, torch.arange(7))
    with monkeypatch.context() as patch:
        patch.setattr("cryosense.data.survey.remove", interrupt)
        with pytest.raises(KeyboardInterrupt):
            record.survey(stack, 3)
    kept = {path.name for path in folder.iterdir() if path.is_file()}
    assert (folder / record.key).is_dir()
    with locked(folder / f"{record.key}.lock"):
        found = record.survey(stack, 3)
        assert (folder / record.key).is_dir()  # another is at work on it
    assert record.survey(stack, 3) == found
    assert {path.name for path in folder.iterdir()} == kept


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt
