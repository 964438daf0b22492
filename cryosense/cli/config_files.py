"""Reading foreign configuration files: plain YAML of a bounded size, read once, so that what is checked is what is used."""

from __future__ import annotations

import io
import stat
from pathlib import Path

import yaml
from hydra._internal.core_plugins import file_config_source
from hydra.plugins.config_source import ConfigResult, ConfigSource
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from cryosense.cli.conf_dir import conf_dir
from cryosense.errors import ForeignConfigError

LARGEST_BYTES = 2**17
MOST_NESTED = 40
READ: list[Path] = []  # foreign configurations that were read in this process


class FileConfigSource(file_config_source.FileConfigSource):
    """Hydra's folders of YAML files, which may come from anyone.

    It has the name of Hydra's own reader, by which Hydra knows what it registers: in the workers of a sweep, which are given
    the readers of the process that started them, Hydra registers its own once more.
    """

    def load_config(self, config_path: str) -> ConfigResult:
        """Return what a file holds.

        Raises:
            ForeignConfigError: not plain YAML, with aliases, nested too deeply, or larger than 128 kB.
        """
        path = Path(self.path, self._normalize_file_name(config_path)).resolve()
        if path.is_relative_to(conf_dir()) or not path.exists():
            return super().load_config(config_path)
        READ.append(path)
        text = _checked(path)
        try:
            content = OmegaConf.load(io.StringIO(text))
        except (OSError, yaml.YAMLError, ValueError, OmegaConfBaseException) as error:
            raise ForeignConfigError(f"{path}: not a readable configuration: {error}") from error
        header = ConfigSource._get_header_dict(text[:512])
        return ConfigResult(config=content, path=f"file://{self.path}", provider=self.provider, header=header)


def _checked(path: Path) -> str:
    """Return the text of a file that is small, plain and shallow."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ForeignConfigError(f"{path}: not a file")
        with path.open("rb") as file:
            raw = file.read(LARGEST_BYTES + 1)
        if len(raw) > LARGEST_BYTES:
            raise ForeignConfigError(f"{path}: more than {LARGEST_BYTES} bytes: no configuration is that large")
        text, depth = raw.decode(), 0
        for event in yaml.parse(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            # Aliases let a small file expand until it fills the memory.
            if isinstance(event, yaml.AliasEvent):
                raise ForeignConfigError(f"{path}: has YAML aliases (*name): write out what they stand for")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MOST_NESTED:
                raise ForeignConfigError(f"{path}: nested more than {MOST_NESTED} levels deep: no configuration is")
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise ForeignConfigError(f"{path}: not a readable configuration: {error}") from error
    return text
