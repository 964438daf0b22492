"""A value of a kind that its key does not take ends in one line that names the key, before anything is made."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.kinds import accepts, is_plain
from cryosense.cli.leaves import mappings_below
from cryosense.cli.main import VERBS
from cryosense.cli.wrong_kinds import hints, leaves_below, linked_to, refuse_wrong_kinds
from cryosense.errors import ConfigError
from tests.cli.verbs import run_verb
from tests.test_configs import CASES


def plain(verb: str, overrides: Sequence[str]) -> dict[str, Any]:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg: Any = OmegaConf.to_container(compose(verb, overrides=list(overrides)), resolve=False)
    return dict(cfg)


@pytest.mark.parametrize("verb", VERBS)
def test_it_is_known_what_every_key_takes_and_what_ships_is_of_that_kind(verb: str) -> None:
    """So that every key given another mapping, list, text, number or truth value than it takes is refused by its name."""
    for cfg in (plain(verb, overrides) for name, overrides in CASES if name == verb):
        found = list(leaves_below(cfg))
        linked = linked_to(found, cfg)
        named = [leaf for leaf in found if not leaf.key.rpartition(".")[2].startswith("_") and "${" not in str(leaf.value)]
        takes = {leaf.key: hints(verb, leaf, linked) for leaf in named}
        assert named
        assert [key for key, known in takes.items() if not known] == []
        given = [leaf for leaf in named if leaf.value != "???"]
        assert [leaf for leaf in given if not all(accepts(hint, leaf.value) for hint in takes[leaf.key])] == []
        assert [leaf for leaf in mappings_below(cfg) if any(map(is_plain, hints(verb, leaf, linked)))] == []


@pytest.mark.parametrize(
    ("verb", "word", "said"),
    [
        ("reconstruct", "compression=abc", "compression=abc: a number is needed"),
        ("reconstruct", "seed=a", "seed=a: a whole number is needed"),
        ("reconstruct", "seed=1.5", "seed=1.5: a whole number is needed"),
        ("reconstruct", "seed=null", "seed=null: a whole number is needed"),
        ("reconstruct", "particles=all", "particles=all: a whole number or null is needed"),
        ("reconstruct", "operator.per_particle=1", "operator.per_particle=1: true or false is needed"),
        ("reconstruct", "operator.symmetric=2.5", "operator.symmetric=2.5: true or false is needed"),
        ("reconstruct", "scores.lpips=5", "scores.lpips=5: a mapping of keys or null is needed"),
        ("reconstruct", "shard=3", "shard=3: a mapping of keys is needed"),
        ("reconstruct", "data.name={a:1}", "data.name={'a': 1}: text is needed"),
        ("reconstruct", "compression={a:{b:1}}", "compression={'a': {'b': 1}}: a number is needed"),
        ("simulate", "microscope.voltage_kv={a:1}", "microscope.voltage_kv={'a': 1}: a number is needed"),
        ("measure", "data.pixel_size_angstrom=wide", "data.pixel_size_angstrom=wide: a number or null is needed"),
        ("validate", "threads=[1,2]", "threads=[1, 2]: a whole number or null is needed"),
        ("simulate", "count=1e4", "count=10000.0: a whole number is needed"),
        ("simulate", "microscope.voltage_kv=high", "microscope.voltage_kv=high: a number is needed"),
        ("train", "batch_size=true", "batch_size=true: a whole number is needed"),
        ("inspect", "particle=first", "particle=first: a whole number is needed"),
        ("collect", "formats=png", "formats=png: a list in brackets, each element text, is needed"),
        ("collect", "resamples=many", "resamples=many: a whole number is needed"),
    ],
)
def test_another_kind_is_named(verb: str, word: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        refuse_wrong_kinds(verb, plain(verb, [word]))
    assert str(refused.value) == said


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_says_so_in_one_line_and_makes_nothing(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cfg = plain(verb, [])
    found = list(leaves_below(cfg))
    linked = linked_to(found, cfg)
    key = next(leaf.key for leaf in found if not all(accepts(hint, "abc") for hint in hints(verb, leaf, linked)))
    word = f"{key}=abc"
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        run_verb(monkeypatch, verb, word)
    assert str(stopped.value).startswith(f"cryosense {verb}: {word}: ")
    assert "\n" not in str(stopped.value)
    assert capsys.readouterr().err == ""
    assert list(tmp_path.iterdir()) == []


def test_a_sweep_is_refused_before_its_first_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    """Where no cell is right; a right one among wrong ones is made."""
    with pytest.raises(SystemExit, match=r"^cryosense reconstruct: compression=abc: a number is needed$"):
        run_verb(monkeypatch, "reconstruct", "-m", "compression=abc,b")
    assert list(tmp_path.iterdir()) == []
