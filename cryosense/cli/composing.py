"""Every configuration that Hydra composes in this process passes through here, before anything of it is used."""

from __future__ import annotations

import hydra._internal.hydra as hydra_app
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.types import RunMode
from omegaconf import DictConfig

from cryosense.cli.keys import remember


class ConfigLoader(ConfigLoaderImpl):
    """Hydra's own, which also remembers what it composed."""

    def load_configuration(
        self,
        config_name: str | None,
        overrides: list[str],
        run_mode: RunMode,
        from_shell: bool = True,
        validate_sweep_overrides: bool = True,
    ) -> DictConfig:
        """-> the composed configuration, Hydra's own node included."""
        cfg = super().load_configuration(config_name, overrides, run_mode, from_shell, validate_sweep_overrides)
        remember(str(config_name), cfg)
        return cfg


def install() -> None:
    """Let Hydra compose by it: for the command line, cells of sweeps and configurations within configurations."""
    hydra_app.ConfigLoaderImpl = ConfigLoader  # type: ignore[misc]
