"""Bare words reach Hydra as the strings that were typed."""

from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from cryosense.cli.help.catalogue import all_entries
from cryosense.cli.main import VERBS
from cryosense.cli.positional import in_full, with_list_named, with_word_named


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


OF_PARTICLES = [verb for verb in VERBS if "data.path" in all_entries(verb)]


@pytest.mark.parametrize("verb", OF_PARTICLES)
@pytest.mark.parametrize("file", ["particles.star", "My Project/job's=2.mrcs", "P1_J12.cs", "measured.cryo.h5"])
def test_every_verb_takes_its_particles_as_a_bare_word(verb: str, file: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(file).parent.mkdir(exist_ok=True)
    Path(file).touch()
    words = in_full(verb, ["seed=1", file, "--config-dir", "mine.star"])
    (named,) = (OverridesParser.create().parse_override(word) for word in words if word.startswith("data.path="))
    assert str(named.value()) == file
    assert {"seed=1", "mine.star"} <= set(words)
    assert file not in words


def test_a_key_without_its_value_is_no_file() -> None:
    assert in_full("backproject", ["compression", "2"]) == ["compression", "2"]
    assert in_full("backproject", ["data.path=a.star", "b.star"]) == ["data.path=a.star", "b.star"]
