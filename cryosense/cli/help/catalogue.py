"""What a verb's command line may say: its choices and its keys, with whichever are chosen, without composing anything."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path

import yaml

from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.help.comments import ConfigFile, Entry, read
from cryosense.cli.plugins import installed

NOT_TYPED = {"_target_", "_partial_", "_convert_"}
REFERENCE = re.compile(r"\$\{[^{}]*(\{[^{}]*\}[^{}]*)*\}")
NEEDS = re.compile(r"For ((?:[\w/]+=\w+(?: or )?)+)\.")


@dataclass
class Catalogue:
    """A verb's command line.

    Attributes:
        groups: the chosen member of each group, in order.
        said: the comment beside each group's default.
        entries: every key, nodes included (their value is ...), in order.
    """

    groups: dict[str, str | None] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)

    @property
    def shown(self) -> list[Entry]:
        """Keys to type, without those that only pass on another key's value."""
        return [entry for entry in self.entries.values() if is_shown(entry)]


def is_shown(entry: Entry) -> bool:
    """Return whether a key is for users to set."""
    if entry.value is ... or entry.name in NOT_TYPED:
        return False
    return not (isinstance(entry.value, str) and REFERENCE.fullmatch(entry.value) and "oc.env" not in entry.value)


@cache
def members(group: str) -> tuple[str, ...]:
    """Return the choices of a group that cryosense and installed packages have."""
    found = {path.stem for folder in (conf_dir(), *installed().values()) for path in (folder / group).glob("*.yaml")}
    return tuple(sorted(name for name in found if not name.startswith("_")))


def member(group: str, name: str) -> ConfigFile:
    """Return a choice's file, or an empty one if it lies in a folder that is named on the command line."""
    return _file(_path(group, name))


def _path(group: str, name: str) -> Path:
    """Return where a choice is: of several of one name cryosense's own counts, as it does for Hydra."""
    paths = [folder / group / f"{name}.yaml" for folder in (conf_dir(), *installed().values())]
    return next((path for path in paths if path.is_file()), paths[0])


def _file(path: Path) -> ConfigFile:
    try:
        return read(path) if path.is_file() else ConfigFile()
    except (yaml.YAMLError, ValueError):  # of a package, which is told where it is chosen
        if path.is_relative_to(conf_dir()):
            raise
        return ConfigFile()


def needs(group: str, name: str) -> list[tuple[str, str]]:
    """Return (group, choice) pairs of which one must be chosen as well; none if it goes with everything."""
    found = NEEDS.search(" ".join(member(group, name).header))
    return [(each.partition("=")[0], each.partition("=")[2]) for each in found[1].split(" or ")] if found else []


def goes_with(group: str, name: str, made: Catalogue) -> bool:
    """Return whether what a choice needs is chosen as well."""
    wanted = needs(group, name)
    return not wanted or any(made.groups.get(each) == choice for each, choice in wanted)


def catalogue(verb: str, choices: Mapping[str, str | None] | None = None) -> Catalogue:
    """Return a verb's command line with these members of groups chosen, and its own defaults otherwise."""
    return _catalogue(verb, tuple(sorted((choices or {}).items())))


@lru_cache(maxsize=512)  # a sweep asks for the same again and again
def _catalogue(verb: str, choices: tuple[tuple[str, str | None], ...]) -> Catalogue:
    chosen = dict(choices)
    while True:
        made, walk = Catalogue(), _Walk(chosen)
        walk.add(conf_dir() / f"{verb}.yaml", "", "", made)
        if not walk.overriding:
            return made
        chosen |= walk.overriding


@dataclass
class _Walk:
    """Hydra's defaults lists, as far as cryosense's own files use them."""

    chosen: dict[str, str | None]
    overriding: dict[str, str | None] = field(default_factory=dict)

    def add(self, path: Path, group: str, package: str, into: Catalogue) -> None:
        """Add what a file and its defaults list hold."""
        file = _file(path)
        prefix = "" if file.is_global or not package else f"{package}."
        listed = [default for default, _ in file.defaults]
        for default, comment in file.defaults:
            if default == "_self_":
                self._own(file, prefix, into)
            elif isinstance(default, str):
                self.add(path.parent / f"{default}.yaml", group, package, into)
            else:
                ((key, value),) = default.items()
                self._member(key, value, comment, group, into)
        if "_self_" not in listed:
            self._own(file, prefix, into)

    def _member(self, key: str, value: str | None, comment: str, group: str, into: Catalogue) -> None:
        if key.startswith("override "):
            named = key.removeprefix("override ").lstrip("/")
            if named not in self.chosen and not named.startswith("hydra"):
                self.overriding[named] = value
            return
        key, _, where = key.partition("@")
        named = key.lstrip("/") if key.startswith("/") or not group else f"{group}/{key}"
        name = self.chosen.get(named, value)
        into.groups[named], into.said[named] = name, comment or into.said.get(named, "")
        if name is not None:
            self.add(_path(named, name), named, where or named.replace("/", "."), into)

    @staticmethod
    def _own(file: ConfigFile, prefix: str, into: Catalogue) -> None:
        for entry in file.entries:
            key = f"{prefix}{entry.key}"
            before = into.entries.get(key)
            comment = entry.comment or (before.comment if before else "")
            if entry.value is not ...:  # takes the place of a mapping
                for below in [each for each in into.entries if each.startswith(f"{key}.")]:
                    del into.entries[below]
            into.entries[key] = Entry(key, entry.value, entry.text, comment, entry.heading)


def is_group(verb: str, name: str) -> bool:
    """Return whether a verb has this group, whichever members are chosen; most words are told without reading them all."""
    return name in catalogue(verb).groups or ((conf_dir() / name).is_dir() and name in groups_of(verb))


@cache
def groups_of(verb: str) -> tuple[str, ...]:
    """Return all groups that a verb has, whichever members are chosen."""
    found: dict[str, None] = dict.fromkeys(catalogue(verb).groups)
    for group in list(found):
        for name in members(group):
            found |= dict.fromkeys(catalogue(verb, {group: name}).groups)
    return tuple(found)


@cache
def holders(verb: str, group: str) -> tuple[str, ...]:
    """Return the choices that bring a group with them, if a verb has it only with those."""
    plain = catalogue(verb).groups
    if group in plain:
        return ()
    pairs = [(each, name) for each in plain for name in members(each)]
    return tuple(f"{each}={name}" for each, name in pairs if group in catalogue(verb, {each: name}).groups)


@cache
def all_entries(verb: str) -> dict[str, tuple[Entry, tuple[str, ...]]]:
    """Return every key that a verb has with some choice, and the choices that have it, none if all do."""
    found: dict[str, tuple[Entry, tuple[str, ...]]] = {key: (entry, ()) for key, entry in catalogue(verb).entries.items()}
    for group in sorted(set(groups_of(verb)) - {"experiment"}, key=len):  # those below a group have the last word
        own: dict[str, tuple[Entry, tuple[str, ...]]] = {}
        for name in members(group):
            made = catalogue(verb, {**dict(needs(group, name)[:1]), group: name})
            for key, entry in made.entries.items():
                if key not in found or key.startswith(f"{group.replace('/', '.')}."):
                    before, choices = own.get(key, (entry, ()))
                    own[key] = (before if before.comment else entry, (*choices, f"{group}={name}"))
        found |= own
    return found
