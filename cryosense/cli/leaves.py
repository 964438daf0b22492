"""Keys that a verb's configuration can have, with what stands there, read from the files without composing them."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from hydra.utils import get_object

from cryosense.cli.conf_dir import conf_dir, plain

GLOBAL = re.compile(r"^# @package _global_$", re.MULTILINE)


@dataclass(frozen=True)
class Leaf:
    """A key of a configuration, its value there, and the class whose parameter it is, if any."""

    key: str
    value: object
    target: str | None

    @property
    def hint(self) -> object | None:
        """The annotation of the parameter, None where there is none."""
        return None if self.target is None else hints_of(self.target).get(self.key.rpartition(".")[2])


@cache
def hints_of(target: str) -> Mapping[str, object]:
    """Return the annotations of what is called by this name, by parameter; none where there is nothing, or none to be had."""
    try:
        made: Any = get_object(target)
        return typing.get_type_hints(made.__init__ if isinstance(made, type) else made)  # type: ignore[misc]
    except Exception:  # noqa: BLE001 - whoever makes it tells what is wrong; here it is only not known
        return {}


@cache
def leaves_of(verb: str) -> tuple[Leaf, ...]:
    """Return all keys that the verb's configuration can have, whichever member of a group is chosen."""
    folder = conf_dir()
    found = list(_of_verb(folder, verb))
    for path in sorted(folder.rglob("*.yaml")):
        group = path.parent.relative_to(folder)
        if path.parent == folder and path.name.startswith("_"):
            found += _below(path, "")
        elif path.parent != folder and group.parts[0] not in {"hydra", "experiment"}:
            found += _below(path, "".join(f"{part}." for part in group.parts))
    return tuple(found)


def leaves_below(node: object, prefix: str = "") -> Iterator[Leaf]:
    """Walk every key of a node, from the root down, whose value is not a mapping; those of mappings in lists too, by place."""
    if isinstance(node, dict):
        for key, value in node.items():
            if isinstance(value, dict):
                yield from leaves_below(value, f"{prefix}{key}.")
            else:
                yield Leaf(f"{prefix}{key}", value, node.get("_target_"))
            for place, each in enumerate(value if isinstance(value, list) else ()):
                yield from leaves_below(each, f"{prefix}{key}.{place}.")


def mappings_below(node: Mapping[str, Any], prefix: str = "") -> Iterator[Leaf]:
    """Walk every key of a node, from the root down, whose value is a mapping that tells of no object."""
    for key, value in node.items():
        if isinstance(value, dict):
            if "_target_" not in value:
                yield Leaf(f"{prefix}{key}", value, node.get("_target_"))
            yield from mappings_below(value, f"{prefix}{key}.")


def _of_verb(folder: Path, verb: str) -> Iterator[Leaf]:
    """A verb's own keys first, then those of the verbs that its configuration begins with."""
    yield from _below(folder / f"{verb}.yaml", "")
    for each in plain(folder / f"{verb}.yaml").get("defaults", []):
        if isinstance(each, str) and not each.startswith("_"):
            yield from _of_verb(folder, each)


def _below(path: Path, prefix: str) -> Iterator[Leaf]:
    return leaves_below(plain(path), "" if GLOBAL.search(path.read_text(encoding="utf-8")) else prefix)
