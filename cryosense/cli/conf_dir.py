"""Where the configuration files are: inside the installed wheel, or at the top of a checkout."""

from pathlib import Path

import cryosense
from cryosense.errors import ConfigError


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
