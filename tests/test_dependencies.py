"""What the package imports is installed with it: also what a dependency imports and does not name as its own."""

import re
import subprocess
import sys
from importlib import metadata

import pytest
from packaging.requirements import Requirement

IMPORT_ALL = """
import importlib, pathlib, sys
import cryosense
root = pathlib.Path(cryosense.__file__).parent
for path in sorted(root.rglob("*.py")):
    parts = ["cryosense", *path.relative_to(root).with_suffix("").parts]
    if path.name != "__main__.py":
        importlib.import_module(".".join(parts).removesuffix(".__init__"))
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""
# Taken where they are installed, by packages that do without them.
BY_CHANCE = {"attr", "attrs", "cloudpickle", "pkg_resources", "setuptools"}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def closure(name: str) -> set[str]:
    """-> the distributions that are installed with one, itself included."""
    found, waiting = set[str](), [name]
    while waiting:
        one = canonical(waiting.pop())
        if one in found:
            continue
        found.add(one)
        try:
            needs = metadata.requires(one) or []
        except metadata.PackageNotFoundError:  # of another platform
            continue
        for need in map(Requirement, needs):
            if need.marker is None or need.marker.evaluate({"extra": ""}):
                waiting.append(need.name)
    return found


@pytest.mark.rest
def test_all_that_is_imported_is_installed_with_the_package() -> None:
    ran = subprocess.run([sys.executable, "-W", "ignore", "-c", IMPORT_ALL], capture_output=True, text=True, check=True)
    owners, installed = metadata.packages_distributions(), closure("cryosense")
    loaded = ran.stdout.split()
    assert "torch" in loaded
    strays = {name: owners[name] for name in loaded if name in owners and not {canonical(o) for o in owners[name]} & installed}
    assert not {name: owner for name, owner in strays.items() if name not in BY_CHANCE}
