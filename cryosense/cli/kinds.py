"""Which values a parameter takes, by its annotation, and how that is said."""

from __future__ import annotations

import collections.abc
import typing
from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal

SEQUENCES = (list, tuple, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection)
MAPPINGS = (dict, collections.abc.Mapping)
WORDS: dict[object, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    Path: "text",
    NoneType: "null",
}


def kinds_of(hint: object) -> Iterator[object]:
    """Walk the members of a union, or the annotation itself."""
    if isinstance(hint, UnionType) or typing.get_origin(hint) is typing.Union:
        for each in typing.get_args(hint):
            yield from kinds_of(each)
    else:
        yield hint


def accepts(hint: object, value: object) -> bool:
    """Say whether a plain value, as YAML has it, is of an annotation's kind. A whole number is a number, true is neither."""
    return any(_accepts(kind, value) for kind in kinds_of(hint))


def is_plain(hint: object) -> bool:
    """Say whether an annotation takes nothing but single words, numbers, truth values and null."""
    return all(
        kind in {int, float, bool, str, Path, NoneType} or typing.get_origin(kind) is Literal for kind in kinds_of(hint)
    )


def in_words(hint: object) -> str:
    """Say what an annotation takes: "a number or null"."""
    return " or ".join(dict.fromkeys(_in_words(kind) for kind in kinds_of(hint)))


def kind_of_default(value: object) -> object | None:
    """Return the annotation that a default tells of; None where it tells of none."""
    return None if value is None or isinstance(value, list | dict) else type(value)


def _accepts(kind: Any, value: object) -> bool:
    origin = typing.get_origin(kind) or kind
    if isinstance(value, bool) or value is None:
        return kind in {Any, object, bool if value is not None else NoneType} or (origin is Literal and value in kind.__args__)
    if isinstance(value, int | float):
        return kind in {Any, object, float, type(value)} or (origin is Literal and value in kind.__args__)
    if isinstance(value, str):
        return kind in {Any, object, str, Path} or origin is Literal
    if isinstance(value, list):
        return kind in {Any, object} or (origin in SEQUENCES and all(_is_element(kind, i, v) for i, v in enumerate(value)))
    return kind in {Any, object} or origin in MAPPINGS


def _is_element(kind: object, position: int, value: object) -> bool:
    """Whether a value may stand at this place of a list."""
    inner = typing.get_args(kind)
    if not inner or (isinstance(value, str) and "${" in value) or isinstance(value, dict):
        return True
    fixed = typing.get_origin(kind) is tuple and Ellipsis not in inner
    return accepts(inner[min(position, len(inner) - 1)] if fixed else inner[0], value)


def _in_words(kind: Any) -> str:
    origin = typing.get_origin(kind) or kind
    if origin is Literal:
        return " or ".join(map(str, typing.get_args(kind)))
    if origin in SEQUENCES:
        inner = [each for each in typing.get_args(kind) if each is not Ellipsis]
        return f"a list in brackets, each element {in_words(inner[0])}," if inner else "a list"
    return WORDS.get(kind, "a mapping of keys")
