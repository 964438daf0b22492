"""Where the configuration files are, inside the installed wheel or at the top of a checkout, and what they hold."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

import cryosense
from cryosense.errors import ConfigError


@cache
def conf_dir() -> Path:
    """Return the folder of Hydra configs that belongs to this installation.

    Raises:
        ConfigError: an installation without configs.
    """
    package = Path(cryosense.__file__).resolve().parent
    for folder in (package / "conf", package.parent / "conf"):
        if folder.is_dir():
            return folder
    raise ConfigError(f"no configs beside {package}: reinstall cryosense from its wheel or its checkout")


@cache
def plain(path: Path) -> Any:
    """Return what one of the configuration files that belong to this installation holds; nobody changes it."""
    return yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {}
