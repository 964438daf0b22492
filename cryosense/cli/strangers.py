"""Configurations from others: a YAML file names what is called, and could name anything; what cryosense ships with may be."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from cryosense.cli.conf_dir import conf_dir
from cryosense.errors import ForeignConfigError

LARGEST_BYTES = 2**17
TRUSTED = "CRYOSENSE_TRUSTED_PACKAGES"  # environment variable: packages of one's own, separated by commas
FOLDER_WORDS = ("--config-dir", "-cd", "--config-path", "-cp")
TARGET = re.compile(r"^\s*_target_: *([\w.]+)", re.MULTILINE)
INTERPOLATION = re.compile(r"\$\{\.*([\w.]*)(:[^${}]*)?\}")
# These make other nodes, search other folders and set variables of other programs.
RESOLVERS, KEYS = {"oc.create", "oc.decode"}, {"searchpath", "env_set", "env_copy"}


def refuse_foreign_code(words: Sequence[str]) -> None:
    """Look at the configurations in every folder that command-line words name, before Hydra does.

    Raises:
        ForeignConfigError: a ``_target_`` that no configuration of cryosense has and no package in the environment variable
            ``CRYOSENSE_TRUSTED_PACKAGES`` holds; what could make one; a file that is not plain YAML, or larger than 128 kB.
    """
    for folder in _folders(words):
        for path in sorted(each for each in folder.rglob("*") if each.suffix in (".yaml", ".yml")):
            _check(path)


def _folders(words: Sequence[str]) -> Iterator[Path]:
    for word, following in zip(words, [*words, ""][1:], strict=True):
        option, equals, value = word.partition("=")
        if option in FOLDER_WORDS:
            yield Path(value if equals else following)


def _check(path: Path) -> None:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise ForeignConfigError(f"{path}: more than {LARGEST_BYTES} bytes: no configuration is as large")
        text = path.read_text(encoding="utf-8")
        # Aliases let a small file stand for one that fills the memory.
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
            raise ForeignConfigError(f"{path}: has YAML aliases (*name): write out what they stand for")
        content = yaml.safe_load(text)
        for key, value in _nodes(content):
            _check_node(path, key, value)
    except (OSError, yaml.YAMLError, RecursionError, UnicodeDecodeError) as error:
        raise ForeignConfigError(f"{path}: not a readable configuration: {error}") from error


def _nodes(content: object) -> Iterator[tuple[object, object]]:
    """Every key with its value, and every item of a list under an empty key, from the root down."""
    pairs = (
        content.items() if isinstance(content, dict) else [("", each) for each in content] if isinstance(content, list) else []
    )
    for key, value in pairs:
        yield key, value
        yield from _nodes(value)


def _check_node(path: Path, key: object, value: object) -> None:
    if key == "_target_" and not _is_known(value):
        raise ForeignConfigError(
            f"{path}: _target_: {value} would run what cryosense's own configurations do not. If you wrote it or trust it, "
            f"name its package in the environment variable {TRUSTED}"
        )
    if key in KEYS:
        raise ForeignConfigError(f"{path}: sets {key}, which reaches beyond this file: remove it")
    if isinstance(value, str) and "${" in value:
        found = INTERPOLATION.findall(value)
        if len(found) < value.count("${") or any(name in RESOLVERS for name, _ in found):
            raise ForeignConfigError(f"{path}: {key}: {value} could stand for anything: write out what it does")


def _is_known(target: object) -> bool:
    trusted = [package for package in os.environ.get(TRUSTED, "").split(",") if package]
    if not isinstance(target, str) or any(target.startswith(f"{package}.") for package in trusted):
        return isinstance(target, str)
    return any(target in TARGET.findall(path.read_text(encoding="utf-8")) for path in conf_dir().rglob("*.yaml"))
