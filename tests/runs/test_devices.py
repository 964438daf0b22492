"""What a device is called, and what is said where it is not there."""

import pytest
import torch

from cryosense.errors import ArgumentError
from cryosense.runs.devices import device_named


@pytest.mark.parametrize("found", [True, False])
def test_auto_takes_what_there_is(found: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: found)
    assert device_named("auto").type == ("cuda" if found else "cpu")
    assert device_named("cpu").type == "cpu"


def test_what_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ArgumentError, match="device=cuda: torch finds no CUDA device"):
        device_named("cuda")
    with pytest.raises(ArgumentError, match="device=gpu: one of auto, cpu, cuda"):
        device_named("gpu")
