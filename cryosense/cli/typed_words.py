"""Names stay as they were typed: Hydra reads ``output_dir=2024_05_01`` as the number 20240501, and ``data.name=1_2`` as 12."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.utils import get_object

from cryosense.cli.conf_dir import conf_dir

OVERRIDE = re.compile(r"(\+{0,2}([\w.]+)=)([\w.+-]+(?:,[\w.+-]+)*)")
REFERENCE = re.compile(r"\?\?\?|\$\{[^{}]*(\{[^{}]*\}[^{}]*)*\}")  # text that tells of no kind
GLOBAL = re.compile(r"^# @package _global_$", re.MULTILINE)


@dataclass(frozen=True)
class Leaf:
    """A key of a configuration, its value there, and the class whose parameter it is, if any."""

    key: str
    value: object
    target: str | None


def as_typed(verb: str, words: Sequence[str]) -> list[str]:
    """-> command-line words of a verb, with what looks like a number in quotes where the key takes a name."""
    return [_as_typed(verb, word) for word in words]


def _as_typed(verb: str, word: str) -> str:
    found = OVERRIDE.fullmatch(word)
    if found is None or not any(map(_read_as_another, found[3].split(","))) or not takes_name(verb, found[2]):
        return word
    return found[1] + ",".join(f"'{value}'" if _read_as_another(value) else value for value in found[3].split(","))


def _read_as_another(value: str) -> bool:
    """Whether Hydra takes it for a number, or for true or false; null stays null."""
    return isinstance(OverridesParser.create().parse_override(f"key={value}").value(), int | float)


def takes_name(verb: str, key: str) -> bool:
    """Whether a key of a verb's configuration holds text: by its default, or by the parameter that it is given to."""
    leaves = [leaf for leaf in _leaves(verb) if leaf.key == key]
    values = [leaf.value for leaf in leaves]
    if any(not isinstance(value, str | None) for value in values):
        return False
    if any(isinstance(value, str) and not REFERENCE.fullmatch(value) for value in values):
        return True
    used = [leaf for leaf in _leaves(verb) if leaf.value == f"${{{key}}}"]
    return bool(leaves) and any(_is_text(leaf) for leaf in (*leaves, *used))


def _is_text(leaf: Leaf) -> bool:
    """Whether the parameter's annotation allows text and no number."""
    if leaf.target is None:
        return False
    made: Any = get_object(leaf.target)
    hints = typing.get_type_hints(vars(made).get("__init__", made))
    kinds = set(_kinds(hints.get(leaf.key.rpartition(".")[2])))
    return bool(kinds & {str, Path}) and not kinds & {int, float, bool}


def _kinds(hint: object) -> Iterator[object]:
    if isinstance(hint, UnionType) or typing.get_origin(hint) is typing.Union:
        for each in typing.get_args(hint):
            yield from _kinds(each)
    else:
        yield hint


@cache
def _leaves(verb: str) -> list[Leaf]:
    """All keys that the verb's configuration can have, whichever member of a group is chosen."""
    folder = conf_dir()
    found = list(_below(folder / f"{verb}.yaml", ""))
    for path in sorted(folder.rglob("*.yaml")):
        group = path.parent.relative_to(folder)
        if path.parent == folder and path.name.startswith("_"):
            found += _below(path, "")
        elif path.parent != folder and group.parts[0] not in {"hydra", "experiment"}:
            found += _below(path, "".join(f"{part}." for part in group.parts))
    return found


def _below(path: Path, prefix: str) -> Iterator[Leaf]:
    text = path.read_text(encoding="utf-8")
    return _of_node(yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)), "" if GLOBAL.search(text) else prefix)


def _of_node(node: object, prefix: str) -> Iterator[Leaf]:
    if isinstance(node, dict):
        for key, value in node.items():
            if isinstance(value, dict):
                yield from _of_node(value, f"{prefix}{key}.")
            else:
                yield Leaf(f"{prefix}{key}", value, node.get("_target_"))
