"""Libraries that come with an extra of the package: imported when they are needed, missed by name."""

from __future__ import annotations

import importlib
from types import ModuleType

from cryosense.errors import MissingExtraError


def latents_module(name: str) -> ModuleType:
    """-> the module of scikit-learn or umap-learn. Raises MissingExtraError where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingExtraError(f"{error}: pip install 'cryosense[latents]'") from error
