"""A bar says what is done before its own first step, and how long that will still take."""

from types import SimpleNamespace

import pytest

from cryosense.cli import progress


def test_steps_before_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    clock = iter([100.0, 102.0, 110.0, 200.0])
    monkeypatch.setattr(progress, "monotonic", lambda: next(clock))
    say = progress.steps_on(SimpleNamespace(set_description=said.append), "tv")
    say("tries weight 1 of 5", 0, 5)
    say("tries weight 2 of 5", 1, 5)
    say("tries weight 3 of 5", 2, 5)
    say("learns", 0, 1)
    assert said == [
        "tv: tries weight 1 of 5",
        "tv: tries weight 2 of 5, about 8 s left",
        "tv: tries weight 3 of 5, about 15 s left",
        "tv: learns",
    ]
