"""From arguments, which errors speak of, to the keys of the configuration that a user gave them by."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from types import FrameType
from typing import Any

from hydra.utils import get_object

from cryosense.cli.conf_dir import conf_dir

# The configurations composed in this process, by name and unresolved: the verb's, then those it composes itself.
COMPOSED: dict[str, Any] = {}
# name=..., a word with an underscore, or the first word of a message; not in a path, a quotation or a longer key.
WORD = re.compile(r"(?<![\w./\\'\"`{-])(?:[a-z]\w*(?==)|[a-z]+_\w+(?![\w./(='\"`-])|^[a-z]\w*\b)")
ELSEWHERE = re.compile(r"^\$\{(?:oc\.select:)?([\w.]+)(?:,null)?\}$")
CLASS = re.compile(r"(?<![\w./'\"`])[A-Z]\w*[a-z]\w*[A-Z]\w*\b(?![./='\"`])")
MOST_HOPS = 20
ABSENT = object()


def remember(name: str, cfg: dict[str, Any]) -> None:
    """Keep what was composed, so that errors can be expressed in its keys."""
    COMPOSED[name] = cfg


def with_keys(message: str, error: BaseException, node: str | None = None) -> str:
    """Return the message with each argument replaced by its key, where it can mean only one.

    Args:
        error: its traceback shows in which nodes' objects it arose.
        node: the full key of one that could not be made.
    """
    nodes = [(root, node) for root in reversed(COMPOSED.values())] if node else []
    nodes += [(root, where) for root in reversed(COMPOSED.values()) for where in _nodes_of(error, root)]
    said = WORD.sub(lambda match: _key(nodes, match[0]) or match[0], message)
    return CLASS.sub(lambda match: _choice(match[0]) or match[0], said)


def key_of(path: str) -> str:
    """Return the key by which a user gives what stands at a path of a configuration, which may be linked to it."""
    return next((key for root in reversed(COMPOSED.values()) if (key := _origin(root, path))), path)


def _choice(name: str) -> str | None:
    """Return the choice on the command line that makes an object of this class, if there is exactly one."""
    root, making = conf_dir(), re.compile(rf"_target_: *[\w.]+\.{name}\b")
    groups = [path for path in root.rglob("*.yaml") if path.parent != root and making.search(path.read_text(encoding="utf-8"))]
    named = [f"{path.parent.relative_to(root)}={path.stem}" for path in groups if path.parent.name != "experiment"]
    return named[0] if len(named) == 1 else None


def _key(nodes: list[tuple[Any, str]], argument: str) -> str | None:
    """Return the key of an argument: of the first node that has it, else the only one of that name in a configuration."""
    for root, node in nodes:
        path = _origin(root, f"{node}.{argument}".lstrip("."))
        if path is not None:
            return path
    for root in COMPOSED.values():
        named = {_origin(root, path) for path, _ in _values(root) if path.rpartition(".")[2] == argument}
        if named:
            return named.pop() if len(named) == 1 else None
    return None


def _origin(root: Any, path: str) -> str | None:
    """Return where a value is given: the path itself, or where interpolations on the way lead; None if nowhere."""
    for _ in range(MOST_HOPS):
        here, parts = root, path.split(".")
        for i, part in enumerate(parts):
            here = here.get(part, ABSENT) if isinstance(here, dict) else ABSENT
            linked = ELSEWHERE.match(here) if isinstance(here, str) else None
            if linked:
                path = ".".join([linked[1], *parts[i + 1 :]])
                break
        else:
            return None if here is ABSENT else path
    return None


def _values(node: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every key from the root down with its value."""
    for key, value in node.items() if isinstance(node, dict) else ():
        path = f"{where}.{key}".lstrip(".")
        yield path, value
        yield from _values(value, path)


def _nodes_of(error: BaseException, root: Any) -> Iterator[str]:
    """Yield the nodes whose target, or what it made, was at work when the error arose, the innermost first."""
    named = [(path.removesuffix("_target_").rstrip("."), name) for path, name in _values(root) if path.endswith("_target_")]
    targets = [(path, _object(name)) for path, name in named]
    for frame in reversed([frame for frame, _ in traceback.walk_tb(error.__traceback__)]):
        yield from (path for path, target in targets if _is_of(frame, target))


def _object(name: object) -> object:
    try:
        return get_object(str(name))
    except Exception:  # noqa: BLE001 - an error is being told: a name that leads nowhere must not take its place
        return None


def _is_of(frame: FrameType, target: object) -> bool:
    """Return whether the frame is a call of the target, or of a method of what it made."""
    if getattr(getattr(target, "__func__", target), "__code__", None) is frame.f_code:
        return True
    return isinstance(target, type) and type(frame.f_locals.get("self")) is target
