"""Text, JSON and YAML from unknown sources: only regular files, with limits on size, depth and kind."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO

import yaml

from cryosense.errors import UntrustedFileError

# A file with holes can have any size and take no space. Compressing disks shrink images too, but never that much.
ALWAYS_READ_BYTES, MOST_HOLLOW = 2**25, 32
LARGEST_JSON_BYTES = 2**26
LARGEST_YAML_BYTES = 2**18
PART_BYTES = 2**20  # that a file is read by
LARGEST_TEXT_BYTES = 2**20
DEEPEST = 64  # levels of nested lists and objects
LONGEST_NAME = 200  # characters of anything shown as a name

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def open_regular(path: Path) -> BinaryIO:
    """Open a file for reading.

    Raises:
        UntrustedFileError: a file that is not regular (a pipe would block, a device never ends), or a large one that is nearly
            all holes.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except (OSError, ValueError) as error:
        raise UntrustedFileError(f"{shown_path(path)}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    about = os.fstat(descriptor)
    if not stat.S_ISREG(about.st_mode) or _is_hollow(about):
        os.close(descriptor)
        kind = "has holes instead of its content: copy it again" if stat.S_ISREG(about.st_mode) else "is not a regular file"
        raise UntrustedFileError(f"{path}: {kind}")
    return os.fdopen(descriptor, "rb")


def _is_hollow(about: os.stat_result) -> bool:
    """Return whether a large file takes hardly any space on the disk; some file systems always report none."""
    return about.st_size > ALWAYS_READ_BYTES and 0 < about.st_blocks * 512 * MOST_HOLLOW < about.st_size


def require_regular(path: Path) -> None:
    """Raise UntrustedFileError for a file that is not regular, before a library opens it."""
    open_regular(path).close()


def read_bytes(path: Path, largest: int) -> bytes:
    """Return all of a file.

    Raises:
        UntrustedFileError: a file that cannot be read, or of more than ``largest`` bytes.
    """
    with open_regular(path) as file:
        content = read_up_to(file, largest + 1)
    if len(content) > largest:
        raise UntrustedFileError(f"{path}: more than {largest} bytes: no file that is read here is that large")
    return content


def read_up_to(file: BinaryIO, most: int) -> bytes:
    """Return what is left in a file, ``most`` bytes of it at most. Memory is taken for what is there, not for ``most``."""
    parts, left = [], most
    while left and (part := file.read(min(left, PART_BYTES))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def read_text(path: Path, largest: int = LARGEST_TEXT_BYTES) -> str:
    """Return the text in a file.

    Raises:
        UntrustedFileError: text that is not UTF-8, and whatever ``read_bytes`` refuses.
    """
    try:
        return read_bytes(path, largest).decode("utf-8")
    except UnicodeDecodeError as error:
        raise UntrustedFileError(f"{path}: not a readable text file: {error}") from error


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file.

    Raises:
        UntrustedFileError: a file that cannot be read, is not JSON, nests more than 64 levels deep, or holds no object.
    """
    content = read_json_value(path)
    if not isinstance(content, dict):
        raise UntrustedFileError(f"{path}: holds {type(content).__name__}, not an object with named values")
    return content


def read_json_value(path: Path) -> Any:
    """Return what a JSON file holds. Raises UntrustedFileError as ``read_json`` does."""
    text = read_text(path, LARGEST_JSON_BYTES)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UntrustedFileError(f"{path}: not a readable JSON file: {error}") from error
    if _too_deep(content):
        raise UntrustedFileError(f"{path}: not a readable JSON file: nests more than {DEEPEST} levels deep")
    return content


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file such as ``config.yaml``.

    Raises:
        UntrustedFileError: a file that cannot be read, is not plain YAML, nests more than 64 levels deep, or holds no mapping;
            aliases, by which a small file stands for one that fills the memory.
    """
    text = read_text(path, LARGEST_YAML_BYTES)
    try:
        _check_events(path, text)
        content = yaml.load(text, _Loader)
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError) as error:
        if isinstance(error, UntrustedFileError):
            raise
        first = str(error).split("\n")[0]
        raise UntrustedFileError(f"{path}: not a readable YAML file: {first}") from error
    if not isinstance(content, dict):
        raise UntrustedFileError(f"{path}: holds {type(content).__name__}, not a mapping of names to values")
    return content


def _check_events(path: Path, text: str) -> None:
    """Raise UntrustedFileError for aliases and for depth, before anything is made from the text."""
    depth = 0
    for event in yaml.parse(text, _Loader):
        if isinstance(event, yaml.AliasEvent):
            raise UntrustedFileError(f"{path}: has YAML aliases (*name): write out what they stand for")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise UntrustedFileError(f"{path}: nests more than {DEEPEST} levels deep")


def _too_deep(content: object) -> bool:
    level = [content]
    for _ in range(DEEPEST):
        level = [
            item
            for node in level
            if isinstance(node, (dict, list))
            for item in (node.values() if isinstance(node, dict) else node)
            if isinstance(item, (dict, list))
        ]
        if not level:
            return False
    return True


def shown_path(path: Path) -> str:
    """Return the path on one line, cut where nobody would read on."""
    return shown(str(path), 4 * LONGEST_NAME)


def shown(text: str, longest: int = LONGEST_NAME) -> str:
    """Return the text on one line: control characters as their codes, the middle cut where it is long."""
    cut = text if len(text) <= longest else f"{text[: longest // 2]}…{text[-(longest // 2) :]}"
    return "".join(each if each.isprintable() else each.encode("unicode_escape", "backslashreplace").decode() for each in cut)
