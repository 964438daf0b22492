"""Which version of the user's own packages a run was made with: those that its configuration calls, and those of scores."""

from __future__ import annotations

import hashlib
import importlib.util
import re
from functools import cache
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path

CALLED = re.compile(r"_target_: ['\"]?(\w+)\.")
SCORED = "_target_: cryosense.metrics.Scores"
# Called by cryosense's own configurations, and not the user's; and what has no name of its own.
NOT_OWN = {"cryosense", "diffusers", "hydra", "lightning", "__main__"}
MOST_FILES = 2000  # of a package that is told by its sources; a larger one is told by its version


def own_code(configuration: str) -> str:
    """Return name and digest of the sources of each own package that a configuration, as YAML, makes use of; "" if none.

    An edited operator makes another run, as an edited cryosense does. Packages that scores come from count where there are
    scores.
    """
    names = set(CALLED.findall(configuration))
    if SCORED in configuration:
        names |= _scoring()
    return "".join(f", {name} {_version(name)}" for name in sorted(names - NOT_OWN) if _place(name) is not None)


@cache
def _scoring() -> frozenset[str]:
    return frozenset(point.value.partition(":")[0].partition(".")[0] for point in entry_points(group="cryosense.scores"))


@cache
def _place(name: str) -> Path | None:
    """Return the folder of a top-level package, or the file of a module, without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None:
        return None
    folder = next(iter(spec.submodule_search_locations or []), None)
    return Path(folder) if folder is not None else Path(str(spec.origin)) if spec.has_location else None


@cache
def _version(name: str) -> str:
    place = _place(name)
    assert place is not None
    files = sorted(place.rglob("*.py")) if place.is_dir() else [place]
    if len(files) > MOST_FILES:
        return _package_version(name)
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(place.parent)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _package_version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "of no installed package"
