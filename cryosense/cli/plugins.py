"""Packages that add configurations of their own: each names itself under the entry point ``cryosense.configs``."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

from cryosense.cli.conf_dir import conf_dir
from cryosense.errors import ConfigError

GROUP = "cryosense.configs"
NAME = re.compile(r"[\w-]{1,100}")


@cache
def installed() -> dict[str, Path]:
    """Return of each such package, which is trusted as installed packages are, the folder of its configurations."""
    found = {}
    for point in entry_points(group=GROUP):
        spec = importlib.util.find_spec(point.value.partition(".")[0])  # of a top-level package: nothing is imported
        for place in (spec.submodule_search_locations or []) if spec is not None else []:
            folder = Path(place, *point.value.split(".")[1:], "conf")
            if folder.is_dir():
                found[point.value] = folder.resolve()
    return found


def refuse_hidden(words: Iterable[str], folders: Iterable[Path]) -> None:
    """Check the choices of a command line, of which cryosense's own would be taken without a word where others have the name.

    Raises:
        ConfigError: a choice that is both cryosense's and in one of the folders.
    """
    others = [folder for folder in folders if folder != conf_dir()]
    for word in words:
        group, _, values = word.partition("=")
        for name in NAME.findall(values) if (conf_dir() / group).is_dir() else ():
            choice = Path(group, f"{name}.yaml")
            hidden = [folder for folder in others if (folder / choice).is_file()]
            if hidden and (conf_dir() / choice).is_file():
                raise ConfigError(f"{group}={name} is a choice of cryosense itself: give {hidden[0] / choice} another name")
