"""Packages that add configurations of their own: each names itself under the entry point ``cryosense.configs``."""

from __future__ import annotations

import importlib.util
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

GROUP = "cryosense.configs"


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
