"""Typing errors are refused in one line that names what was probably meant."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra.utils import get_object

from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.help.catalogue import all_entries, catalogue, groups_of, holders, is_group, is_shown, members, needs
from cryosense.cli.help.comments import Entry
from cryosense.cli.help.nearest import nearest
from cryosense.errors import ConfigError

LEFT_OUT = {"design"}  # an operator takes its place
Options = Callable[[str], Sequence[str]]


def parsed(verb: str, words: Sequence[str]) -> list[Override]:
    """Return the overrides that a command line's words are. Raises ConfigError for one that Hydra cannot read."""
    parser, found = OverridesParser.create(), []
    for word in words:
        try:
            found.append(parser.parse_override(word))
        except HydraException:
            raise ConfigError(f"{word}: {_unreadable(verb, word)}") from None
    return found


def _unreadable(verb: str, word: str) -> str:
    key, equals, _ = word.partition("=")
    if equals:
        return (
            "cannot be read; words with brackets, commas, spaces or = of their own stand in quotes, and the whole once more: "
            f"'{key}=\"...\"' or '{key}=[\"...\"]'"
        )
    keys = {*all_entries(verb), *groups_of(verb)} if (conf_dir() / f"{verb}.yaml").is_file() else set()
    if key in keys:
        return f"has no value: {key}=..."
    return "is neither an option nor key=value" + (f"; particles are named by data.path={word}" if "data.path" in keys else "")


def refuse_several(overrides: Sequence[Override]) -> None:
    """Raise ConfigError for a word with several values where one run is to be made."""
    for each in overrides:
        if each.is_sweep_override():
            key, _, values = str(each.input_line).partition("=")
            raise ConfigError(f"{key}={values}: several values: add -m for a run of each, or give a list: {key}=[{values}]")


def refuse_mistyped(verb: str, overrides: Sequence[Override], options: Options) -> None:
    """Check a command line before it is composed.

    Args:
        verb: the verb.
        overrides: the words of the command line.
        options: returns the members of a group, including those of other folders.

    Raises:
        ConfigError: a key that the verb does not have, with any choice or with those that are made; a choice that does not
            exist; or one that needs another with it.
    """
    if not (conf_dir() / f"{verb}.yaml").is_file():
        return
    own = [each for each in overrides if not each.is_hydra_override()]
    chosen = {each.key_or_group: _text(each) for each in own if is_group(verb, each.key_or_group) and _is_single(each)}
    swept = {each.key_or_group for each in own if each.is_sweep_override()}
    for each in own:
        if is_group(verb, each.key_or_group):
            _check_choice(verb, each, chosen, swept, options)
        else:
            _check_key(verb, each, chosen, swept)


def _check_choice(verb: str, word: Override, chosen: dict[str, str | None], swept: set[str], options: Options) -> None:
    group, name, made = word.key_or_group, _text(word), catalogue(verb, chosen).groups
    if word.is_delete() and group not in LEFT_OUT and made.get(group) is not None:
        raise ConfigError(f"~{group}: {verb} cannot do without: choose another by {group}=...")
    if name is None or not _is_single(word):
        return
    known = [each for each in options(group) if not each.startswith("_")]
    if name not in known:
        near = nearest(name, known)
        meant = f"; the nearest is {group}={near}" if near else ""
        raise ConfigError(f"{group}={name}: there is no such choice{meant}. There are {', '.join(sorted(known))}")
    wanted = needs(group, name)
    if wanted and not any(made.get(each) == choice or each in swept for each, choice in wanted):
        each, choice = wanted[0]
        raise ConfigError(f"{group}={name} is for {each}={choice}, and {each}={made.get(each) or 'null'}: add {each}={choice}")
    if (
        group not in made
        and holders(verb, group)
        and not any(each.partition("=")[0] in swept for each in holders(verb, group))
    ):
        raise ConfigError(f"{group}={name} is a choice of {' or '.join(holders(verb, group))}: add that, or remove {group}")


def _check_key(verb: str, word: Override, chosen: dict[str, str | None], swept: set[str]) -> None:
    key = word.key_or_group
    made = catalogue(verb, chosen)
    if key in made.entries or _is_of_another(key, chosen) or _is_in_a_list(key, made.entries):
        return
    known = all_entries(verb)  # of every choice: only where it matters
    if (conf_dir() / key).is_dir():
        there = ", ".join(groups_of(verb)) or "none"
        raise ConfigError(f"{key}={_text(word)}: {verb} has no choice of {key}; it has choices of {there}")
    if key in known:
        choices = known[key][1]
        if not choices or any(each.partition("=")[0] in swept for each in choices):
            return  # each cell of a sweep is looked at by itself
        raise ConfigError(f"{key} is a key of {' or '.join(choices)}: add that, or remove {key}")
    if (word.is_add() or word.is_force_add()) and _is_free(key, made.entries):
        return
    if _is_of_a_package(key, made.entries) and _is_free(key, made.entries):
        raise ConfigError(f"{key} is not in the file of that choice, which names no such key: type +{key}=... to add it")
    near = nearest(key, [*groups_of(verb), *(each for each, (entry, _) in known.items() if is_shown(entry))])
    node, _, name = key.rpartition(".")
    holds = node in known or node in made.groups
    where = f"{node}: no key {name!r}" if holds else f"no key {key!r}"
    meant = f"; the nearest is {near}" if near else ""
    if near and holds and near.replace("/", ".").rpartition(".")[0] != node:
        meant += f", which is not in {node}"  # else it could be read as one of the node's
    raise ConfigError(f"{where}{meant}. cryosense {verb} --help lists all")


def _is_in_a_list(key: str, entries: Mapping[str, Entry]) -> bool:
    """Return whether it names an item of a list, such as ``quantiser.parts.1``, or a value that is stated in one."""
    words = key.split(".")
    held = [place for place in range(1, len(words)) if ".".join(words[:place]) in entries]
    if not held:
        return False
    value = entries[".".join(words[: held[-1]])].value
    for word in words[held[-1] :]:
        if isinstance(value, list) and word.isdecimal() and int(word) < len(value):
            value = value[int(word)]
        elif isinstance(value, dict) and word in value:
            value = value[word]
        else:
            return False
    return True


def _is_of_another(key: str, chosen: dict[str, str | None]) -> bool:
    """Return whether it is below a group whose chosen member is not cryosense's own: only its file knows its keys."""
    return any(
        name is not None and key.startswith(f"{group.replace('/', '.')}.") and name not in members(group)
        for group, name in chosen.items()
    )


def _is_free(key: str, entries: Any) -> bool:
    """Return whether a key may be added: below a mapping that holds anything, or as a parameter of what a node makes."""
    node, _, name = key.rpartition(".")
    while node:
        entry = entries.get(node)
        if entry is not None and entry.value is not ...:
            return isinstance(entry.value, dict)
        target = entries.get(f"{node}._target_")
        if target is not None:
            return _takes(str(target.value), name)
        node, _, name = node.rpartition(".")
    return False


def _is_of_a_package(key: str, entries: Mapping[str, Entry]) -> bool:
    """Return whether what takes a key is made by an installed package: its file need not name all parameters."""
    node = key.rpartition(".")[0]
    target = entries.get(f"{node}._target_")
    return target is not None and not str(target.value).startswith("cryosense.")


def _takes(target: str, name: str) -> bool:
    """Return whether a callable has a parameter of this name."""
    return name in inspect.signature(get_object(target)).parameters


def _is_single(word: Override) -> bool:
    return not word.is_sweep_override() and not word.is_delete()


def _text(word: Override) -> str | None:
    value = None if word.is_sweep_override() or word.is_delete() else word.value()
    return None if value is None else str(value)
