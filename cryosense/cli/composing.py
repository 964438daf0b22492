"""Every configuration that Hydra composes in this process passes through here, before anything in it is used."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hydra._internal.hydra as hydra_app
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_search_path_impl import ConfigSearchPathImpl
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.config_search_path import ConfigSearchPath, SearchPathElement
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Override
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.config_files import READ, FileConfigSource
from cryosense.cli.early import only_own
from cryosense.cli.help.typos import parsed, refuse_mistyped, refuse_several
from cryosense.cli.keys import COMPOSED, remember
from cryosense.cli.plugins import installed, refuse_hidden
from cryosense.cli.trust import Typed, refuse_untrusted
from cryosense.cli.wrong_kinds import refuse_wrong_kinds
from cryosense.errors import ForeignConfigError

# What Hydra itself writes to its own node.
HYDRAS = {"overrides", "runtime"}
HYDRAS_OF_JOB = {"config_name", "name", "override_dirname", "id", "num"}
# Hydra's options that show something and end.
SHOWING = {"--cfg", "-c", "--info", "-i"}


class ConfigLoader(ConfigLoaderImpl):
    """Hydra's own loader, which also refuses what it does not trust and remembers what it composed."""

    def __init__(self, config_search_path: ConfigSearchPath) -> None:
        for package, folder in installed().items():  # before Hydra's own last one
            config_search_path.get_path().insert(-1, SearchPathElement(package, f"file://{folder}"))
        super().__init__(config_search_path)
        self.typed = typed_in(sys.argv[1:])  # pickled along to processes that compose cells of a sweep
        self.only_own = only_own(sys.argv[1:])
        self.only_shows = bool(SHOWING & {word.partition("=")[0] for word in sys.argv[1:]})

    def load_configuration(
        self,
        config_name: str | None,
        overrides: list[str],
        run_mode: RunMode,
        from_shell: bool = True,
        validate_sweep_overrides: bool = True,
    ) -> DictConfig:
        """Return the composed configuration, including Hydra's own node.

        Raises:
            ForeignConfigError: see ``cryosense.cli.trust.refuse_untrusted``; Hydra's own node is set by a foreign folder, or
                by a configuration that is composed within another.
            ConfigError: see ``cryosense.cli.help.typos.refuse_mistyped``.
        """
        if self.only_own and not validate_sweep_overrides:  # asked first by Hydra, for nothing but this, which nobody sets
            return OmegaConf.create({"hydra": {"mode": None}})
        words = parsed(str(config_name), overrides)
        odd = [each.input_line for each in words if each.is_hydra_override() and not from_shell]
        if odd:
            raise ForeignConfigError(f"{odd[0]}: Hydra is set up on the command line alone: remove it")
        if run_mode == RunMode.RUN and validate_sweep_overrides:
            refuse_several(words)
        refuse_mistyped(str(config_name), words, self.get_group_options)
        if not self.only_own:
            refuse_hidden([str(each.input_line) for each in words], self._folders())
        cfg = super().load_configuration(config_name, overrides, run_mode, from_shell, validate_sweep_overrides)
        plain: Any = OmegaConf.to_container(cfg, resolve=False)
        hydra_node = plain.pop("hydra")
        try:
            refuse_untrusted(plain, self.typed)
            if _is_foreign(hydra_node):
                self._refuse_hydra(hydra_node, config_name, words, run_mode)
        except ForeignConfigError as error:
            files = ", ".join(str(path) for path in dict.fromkeys(READ))
            raise ForeignConfigError(f"{files}: {error}" if files else str(error)) from None
        remember(str(config_name), plain)
        if not self.only_shows:
            refuse_wrong_kinds(str(config_name), plain)
        return cfg

    def get_group_options(
        self,
        group_name: str,
        results_filter: ObjectType | None = ObjectType.CONFIG,
        config_name: str | None = None,
        overrides: list[str] | None = None,
    ) -> list[str]:
        """Return the members of a group, for ``--help``, which asks for each, without copying all that was read each time."""
        if any(word.partition("=")[0].endswith("searchpath") for word in overrides or ()):
            return super().get_group_options(group_name, results_filter, config_name, overrides)
        return list(self.repository.get_group_options(group_name, results_filter))

    def _folders(self) -> list[Path]:
        """Return the folders that are searched."""
        paths = [str(element.path).removeprefix("file://") for element in self.config_search_path.get_path()]
        return [Path(path) for path in paths if "://" not in path]

    def _refuse_hydra(self, node: Any, config_name: str | None, parsed: list[Override], run_mode: RunMode) -> None:
        """Check that Hydra's node is what it would be without foreign folders."""
        own = ConfigSearchPathImpl()
        own.append("hydra", "pkg://hydra.conf")
        own.append("main", f"file://{conf_dir()}")
        own.append("schema", "structured://")
        loader = ConfigLoaderImpl(own)
        kept = [str(each.input_line) for each in parsed if _is_own(each, loader)]
        try:
            expected: Any = OmegaConf.to_container(loader.load_configuration(config_name, kept, run_mode).hydra, resolve=False)
        except HydraException as error:
            raise ForeignConfigError(f"sets up Hydra, which is done on the command line alone: {error}") from error
        odd = [key for key in node if key not in HYDRAS and _settings(key, node[key]) != _settings(key, expected.get(key))]
        if odd:
            raise ForeignConfigError(f"sets hydra.{odd[0]}, which reaches beyond these files: give it on the command line")


def _settings(key: str, value: Any) -> Any:
    return {name: each for name, each in value.items() if name not in HYDRAS_OF_JOB} if key == "job" else value


def _is_foreign(node: Any) -> bool:
    """Return whether foreign files may have been read for it."""
    own = {"", "hydra.conf", str(conf_dir())}
    return any(source["path"] not in own for source in node["runtime"]["config_sources"])


def _is_own(override: Override, loader: ConfigLoaderImpl) -> bool:
    """Return whether an override sets up Hydra, or chooses a member of a group that cryosense ships with."""
    key = override.key_or_group
    if override.is_hydra_override():
        return key != "hydra.searchpath"
    if override.is_sweep_override() or not loader.repository.group_exists(key):
        return False
    return loader.repository.config_exists(f"{key}/{override.value()}")


@contextmanager
def checked() -> Iterator[None]:
    """Let Hydra compose with it: for the command line, cells of sweeps and configurations within configurations."""
    Plugins.instance()  # registers Hydra's own file reader, which this one replaces
    readers = SourcesRegistry.instance().types
    before = hydra_app.ConfigLoaderImpl, readers["file"]
    hydra_app.ConfigLoaderImpl, readers["file"] = ConfigLoader, FileConfigSource  # type: ignore[misc]
    READ.clear()
    COMPOSED.clear()  # errors are told in the keys of this command, not of one before it in the process
    try:
        yield
    finally:
        hydra_app.ConfigLoaderImpl, readers["file"] = before  # type: ignore[misc]


def typed_in(words: Sequence[str]) -> Typed:
    """Return which keys get values on a command line, and these values.

    Raises:
        ForeignConfigError: cryosense's own configurations would be replaced.
    """
    keys: set[str] = set()
    texts: set[str] = set()
    for word in words:
        if word.partition("=")[0] in {"--config-path", "-cp"}:
            raise ForeignConfigError(
                f"{word}: cryosense's configurations cannot be replaced; put others beside them by --config-dir"
            )
        try:
            override = None if word.startswith("-") else OverridesParser.create().parse_override(word)
        except HydraException:  # an option's argument, or something that Hydra itself will refuse
            continue
        if override is not None:
            value = override.value()
            keys.add(override.key_or_group)
            texts.update(_texts(value.list if isinstance(value, ChoiceSweep) else value))
    return Typed(frozenset(keys), frozenset(texts))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)
    elif value is not None:
        yield str(value)
