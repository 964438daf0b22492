"""Options may stand anywhere on the line."""

import pytest

from cryosense.cli.help.arguments import asked_about, options_first


@pytest.mark.parametrize(
    ("words", "ordered"),
    [
        (["a=1", "-m", "b=2,3"], ["-m", "a=1", "b=2,3"]),
        (["a=1", "--config-dir", "mine", "b=2"], ["--config-dir", "mine", "a=1", "b=2"]),
        (["a=1", "--config-dir=mine", "~design", "--cfg", "job"], ["--config-dir=mine", "--cfg", "job", "a=1", "~design"]),
        (["particles.star", "output=x", "-m"], ["-m", "particles.star", "output=x"]),
        ([], []),
    ],
)
def test_options_come_first(words: list[str], ordered: list[str]) -> None:
    assert options_first(words) == ordered


@pytest.mark.parametrize(
    ("words", "key"),
    [(["--help", "seed"], "seed"), (["a=1", "--help"], None), (["--help", "operator=pixel"], None), (["a", "-h"], None)],
)
def test_the_key_that_help_is_asked_about(words: list[str], key: str | None) -> None:
    assert asked_about(words) == key
