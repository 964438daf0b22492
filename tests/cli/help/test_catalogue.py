"""What is read of the configuration files is what Hydra composes of them, and every key is explained."""

from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.help.catalogue import all_entries, catalogue, groups_of, holders, is_shown, member, members, needs
from cryosense.cli.help.page import examples_of, without_examples
from cryosense.cli.main import VERBS

CASES: list[tuple[str, dict[str, str]]] = [(verb, {}) for verb in VERBS]
CASES += [
    (verb, {**dict(each.split("=") for each in holders(verb, group)[:1]), **dict(needs(group, name)[:1]), group: name})
    for verb in ("reconstruct", "train", "simulate", "backproject", "compare-latents")
    for group in groups_of(verb)
    for name in members(group)
]


def leaves(node: Any, where: str = "") -> dict[str, Any]:
    """Every value by its full key."""
    if not isinstance(node, dict) or not node:
        return {where: node}
    return {key: value for name, each in node.items() for key, value in leaves(each, f"{where}.{name}".lstrip(".")).items()}


@pytest.mark.parametrize(("verb", "chosen"), CASES, ids=str)
def test_it_is_what_hydra_composes(verb: str, chosen: dict[str, str]) -> None:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose(verb, overrides=[f"{group}={name}" for group, name in chosen.items()])
    read = {key: entry.value for key, entry in catalogue(verb, chosen).entries.items() if entry.value is not ...}
    assert read == leaves(OmegaConf.to_container(cfg, resolve=False))


def test_every_verb_that_draws_does_so_in_any_format() -> None:
    """The others draw nothing but the report, whose pictures are inside its page, and what a tracker keeps of training."""
    assert {verb for verb in VERBS if "formats" not in catalogue(verb).entries} == {"measure", "train", "export", "report"}


@pytest.mark.parametrize("verb", VERBS)
def test_every_key_and_choice_is_explained(verb: str) -> None:
    """Beside it, above it, or above the mapping that it is in."""
    entries = all_entries(verb)
    nodes = {key for key, (entry, _) in entries.items() if entry.value is ... and entry.comment}
    silent = [
        key
        for key, (entry, _) in entries.items()
        if is_shown(entry) and not entry.comment and key.rpartition(".")[0] not in nodes
    ]
    assert not silent
    assert not [f"{group}={name}" for group in groups_of(verb) for name in members(group) if not said_of(group, name)]


def said_of(group: str, name: str) -> str:
    return "".join(without_examples(member(group, name).header))


@pytest.mark.parametrize("verb", VERBS)
def test_examples_are_of_the_verb(verb: str) -> None:
    from cryosense.cli.help.comments import read

    examples = examples_of(read(conf_dir() / f"{verb}.yaml").header)
    assert examples
    assert all(example.startswith(f"cryosense {verb} ") for example in examples)
