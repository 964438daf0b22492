"""Compressive sensing for cryo-electron microscopy.

``import cryosense as cs`` provides the names in ``__init__.pyi``, each imported from its module when it is first used.
"""

import ast
import importlib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

try:
    __version__ = version("cryosense")
except PackageNotFoundError:  # a checkout that was never installed
    __version__ = "unknown"


@cache
def _room_of() -> dict[str, str]:
    """Return the module of each public name; the stub lists them, for Python and for type checkers."""
    stub = ast.parse(Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    imports = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    return {alias.name: str(node.module) for node in imports for alias in node.names}


def __getattr__(name: str) -> object:
    if name.startswith("_") or name not in _room_of():
        raise AttributeError(f"module 'cryosense' has no attribute {name!r}")
    module = importlib.import_module(_room_of()[name])
    found = globals()[name] = getattr(module, name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_room_of()})
