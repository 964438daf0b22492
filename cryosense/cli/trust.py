"""What a composed configuration may name: what cryosense's own configurations name, or what was typed on the command line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from cryosense.cli.conf_dir import conf_dir, plain
from cryosense.cli.plugins import installed
from cryosense.errors import ForeignConfigError

TRUSTED = "CRYOSENSE_TRUSTED_PACKAGES"  # environment variable: the user's own packages, separated by commas
# Named in comments of configurations as alternatives.
ALTERNATIVES = {"cryosense.solvers.posterior.norm_over_batch"}
# Keys that say where something is written, which a foreign configuration must not choose.
PLACES = {
    "directory",
    "maps_csv",
    "maps_picture",
    "output",
    "output_dir",
    "paper_csv",
    "paper_latex",
    "paper_markdown",
    "picture",
}
PLACES |= {"table_csv", "table_markdown"}
# Targets that send results elsewhere.
SENDING = {"cryosense.reporting.trackers.WandB": "tracker=wandb", "cryosense.training.loggers.wandb": "logger=wandb"}
# Targets that take more than numbers and names; only the keys in the configuration are known to run nothing else.
FOREIGN_SIGNATURES = {"lightning.pytorch.Trainer"}
LOOKED_UP = re.compile(r"hydra\.utils\.get_\w+")
REFERENCE = re.compile(r"\$\{\.*(?!hydra\b)\w+(\.\w+)*\}")


@dataclass(frozen=True)
class Typed:
    """What a command line says: the user's own words, which are trusted.

    Attributes:
        keys: the keys that are given values.
        texts: those values, where they are text, including what is in lists and mappings.
    """

    keys: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()


def refuse_untrusted(node: Mapping[str, Any], typed: Typed) -> None:
    """Check a composed, unresolved configuration.

    Raises:
        ForeignConfigError: a ``_target_`` that no configuration of cryosense has, no package in the environment variable
            ``CRYOSENSE_TRUSTED_PACKAGES`` holds and nobody typed; likewise resolvers, places to write to, and whatever sends
            results elsewhere.
    """
    for key, name, value, holder in _values(node, "", {}):
        if isinstance(value, str) and (value in typed.texts or key in typed.keys):
            continue
        if name == "_target_":
            _check_target(key, value, typed)
        elif name in {"_args_", "_recursive_"}:
            raise ForeignConfigError(f"{key} is not allowed in configurations from elsewhere: remove it")
        elif name in PLACES and not _holds(value) and value not in {None, *_shipped().places, *typed.texts}:
            raise ForeignConfigError(
                f"{key}: {value} chooses where to write, which only you may: give {key} on the command line"
            )
        elif _looks_up(name, holder) and not _is_known(value):
            raise ForeignConfigError(f"{key}: {value} would run what cryosense's own configurations do not: remove it")
        elif holder.get("_target_") in FOREIGN_SIGNATURES and (holder["_target_"], name) not in _shipped().keys:
            raise ForeignConfigError(f"{key} is not in cryosense's own configurations: give it on the command line")
        if isinstance(value, str) and "$" in value and value not in _shipped().texts and "$" in REFERENCE.sub("", value):
            raise ForeignConfigError(f"{key}: {value} could stand for anything: write out what it does")


def _check_target(key: str, value: object, typed: Typed) -> None:
    trusted = [package for package in (*os.environ.get(TRUSTED, "").split(","), *installed()) if package]
    if isinstance(value, str) and any(value.startswith(f"{package}.") for package in trusted):
        return
    if not _is_known(value):
        raise ForeignConfigError(
            f"{key}: {value} would run what cryosense's own configurations do not. If you wrote it or trust it, "
            f"name its package in the environment variable {TRUSTED}"
        )
    choice = SENDING.get(str(value))
    if choice is not None and choice.partition("=")[2] not in typed.texts:
        raise ForeignConfigError(f"{key}: {value} sends results to others: if you want it, type {choice} on the command line")


def _is_known(value: object) -> bool:
    return isinstance(value, str) and value in _shipped().names


def _values(node: Any, where: str, holder: Mapping[str, Any]) -> Iterator[tuple[str, str, Any, Mapping[str, Any]]]:
    """Yield the full key, own key, value and mapping of every value; those in lists have no own key."""
    if isinstance(node, Mapping):
        for name, value in node.items():
            key = f"{where}.{name}".lstrip(".")
            yield key, str(name), value, node
            yield from _values(value, key, node)
    elif isinstance(node, list | tuple):
        for i, value in enumerate(node):
            yield f"{where}[{i}]", "", value, holder if isinstance(value, Mapping) else {}
            yield from _values(value, f"{where}[{i}]", holder)


@dataclass(frozen=True)
class Shipped:
    """What cryosense's own configurations say.

    Attributes:
        names: what they call, and what they look up.
        texts: all values that are text.
        places: values of keys that say where something is written.
        keys: keys of mappings whose target has a foreign signature, by target.
    """

    names: frozenset[str]
    texts: frozenset[str]
    places: frozenset[str]
    keys: frozenset[tuple[str, str]]


@cache
def _shipped() -> Shipped:
    files = [plain(path) for path in sorted(conf_dir().rglob("*.yaml"))]
    found = [(name, value, holder) for file in files for _, name, value, holder in _values(file, "", {}) if not _holds(value)]
    return Shipped(
        names=frozenset(
            {value for name, value, holder in found if name == "_target_" or _looks_up(name, holder)} | ALTERNATIVES
        ),
        texts=frozenset(value for _, value, _ in found if isinstance(value, str)),
        places=frozenset(value for name, value, _ in found if name in PLACES),
        keys=frozenset(
            (holder["_target_"], name) for name, _, holder in found if holder.get("_target_") in FOREIGN_SIGNATURES
        ),
    )


def _holds(value: object) -> bool:
    return isinstance(value, Mapping | list)


def _looks_up(name: str, holder: Mapping[str, Any]) -> bool:
    return name == "path" and LOOKED_UP.fullmatch(str(holder.get("_target_"))) is not None
