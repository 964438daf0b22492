"""A configuration file with its comments: ``--help`` shows what YAML readers throw away."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
COMMENT = re.compile(r"\s*#\s?(.*)")
PACKAGE = re.compile(r"# @package (\S+)")


@dataclass(frozen=True)
class Entry:
    """A key with its value and its comments.

    Attributes:
        value: as YAML reads it; ... for a mapping.
        text: the value as written in the file.
        comment: beside it, or above it if nothing is beside it.
        heading: above it if something is beside it, for this key and those after it.
    """

    key: str
    value: Any
    text: str
    comment: str = ""
    heading: str = ""

    @property
    def name(self) -> str:
        """The last word of the key."""
        return self.key.rpartition(".")[2]


@dataclass(frozen=True)
class ConfigFile:
    """One YAML file.

    Attributes:
        header: the comment at its top.
        entries: its leaves, in order.
        defaults: its defaults list, each with its comment.
        is_global: whether its keys count from the root.
    """

    header: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()
    defaults: tuple[tuple[Any, str], ...] = field(default=())
    is_global: bool = False


@cache
def read(path: Path) -> ConfigFile:
    """Read one of cryosense's own files, which is trusted to be YAML."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    header, package = [], None
    for line in lines:
        if not line.startswith("#"):
            break
        package = package or PACKAGE.match(line)
        if not PACKAGE.match(line):
            header.append(line[1:].strip())
    top = len(header) + (package is not None)
    root, plain = yaml.compose(text, LOADER), yaml.load(text, LOADER)
    if not isinstance(root, yaml.MappingNode):
        return ConfigFile(tuple(header))
    listed: list[yaml.Node] = next((value.value for key, value in root.value if key.value == "defaults"), [])
    defaults = [(each, _beside(lines, node.end_mark)) for each, node in zip(plain.get("defaults", ()), listed, strict=True)]
    entries = tuple(_entries(root, plain, "", lines, top))
    return ConfigFile(tuple(header), entries, tuple(defaults), package is not None and package[1] == "_global_")


def _entries(node: yaml.MappingNode, plain: Any, prefix: str, lines: list[str], top: int) -> Iterator[Entry]:
    for key, value in node.value:
        if not prefix and key.value in {"defaults", "hydra"}:
            continue
        full, above = f"{prefix}{key.value}", _above(lines, key.start_mark.line, top)
        if isinstance(value, yaml.MappingNode) and value.value:
            yield Entry(full, ..., "", _beside(lines, value.end_mark if value.flow_style else key.end_mark) or above)
            yield from _entries(value, plain[key.value], f"{full}.", lines, top)
            continue
        in_line = value.end_mark.line == key.start_mark.line
        beside = _beside(lines, value.end_mark if in_line else key.end_mark)
        text = lines[value.start_mark.line][value.start_mark.column : value.end_mark.column] if in_line else "[...]"
        yield Entry(full, plain[key.value], text or "null", beside or above, above if beside else "")


def _above(lines: list[str], line: int, top: int) -> str:
    """Return the comment lines that end just above a line, unless they are the file's header."""
    first = line
    while first > top and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    return " ".join(lines[i].strip().lstrip("# ") for i in range(first, line))


def _beside(lines: list[str], mark: Any) -> str:
    """Return the comment that follows a value on its line."""
    line = lines[mark.line] if mark.line < len(lines) else ""
    found = COMMENT.fullmatch(line[mark.column :].removeprefix(":"))
    return found[1].strip() if found else ""
