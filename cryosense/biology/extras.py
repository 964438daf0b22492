"""Libraries that come with an extra of the package: imported when needed, and reported by name when missing."""

from __future__ import annotations

import importlib
from types import ModuleType

from cryosense.errors import MissingExtraError


def latents_module(name: str) -> ModuleType:
    """Return a module of scikit-learn or umap-learn. Raises MissingExtraError if it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingExtraError(f"{error}: pip install 'cryosense[latents]'") from error
