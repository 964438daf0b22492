"""Bare words reach Hydra as the strings that were typed."""

from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from cryosense.cli.positional import with_list_named, with_word_named


def parsed(override: str) -> list[str]:
    """What the verb sees: Hydra's parser, then OmegaConf's resolution."""
    key, value = (made := OverridesParser.create().parse_override(override)).key_or_group, made.value()
    assert key == "latents"
    return list(OmegaConf.to_container(OmegaConf.create({"latents": [str(each) for each in value]}), resolve=True)["latents"])


def test_bare_words_become_one_list_in_the_place_of_the_first() -> None:
    words = ["embedding=pca", "a.npy", "--cfg", "job", "runs/z.24.pkl", "seed=1", "-m"]
    assert with_list_named(words, "latents") == [
        "embedding=pca",
        "latents=['a.npy','runs/z.24.pkl']",
        "--cfg",
        "job",
        "seed=1",
        "-m",
    ]
    assert with_list_named(["--config-dir", "mine", "seed=1"], "latents") == ["--config-dir", "mine", "seed=1"]
    assert with_word_named(["seed=1", "it's", "more"], "directory") == ["seed=1", "directory='it\\'s'", "more"]


@pytest.mark.parametrize(
    "word",
    [
        "C 2, mine/z.pkl",
        "it's.npy",
        "[a]{b}(c).npy",
        "a\\b.npy",
        "ends\\",
        "a\\'b",
        "${oc.env:HOME}/z.pkl",
        "x$y",
        "ä:~.npy",
        "'",
        '"q"',
    ],
)
def test_odd_characters_arrive_unchanged(word: str) -> None:
    (override,) = with_list_named([word, "b"], "latents")
    assert parsed(override) == [word, "b"]


def test_a_file_with_an_equals_sign_in_its_name(tmp_path: Path) -> None:
    path = tmp_path / "C=2.npy"
    assert with_list_named([str(path)], "latents") == [str(path)]
    path.touch()
    assert with_list_named([str(path)], "latents") == [f"latents=['{path}']"]
