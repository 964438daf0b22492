"""Verbs that are started without the dispatcher tell errors in keys of the configuration all the same."""

from collections.abc import Iterator
from typing import Any

import hydra._internal.hydra as hydra_app
import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from omegaconf import DictConfig, OmegaConf

from cryosense.cli.keys import COMPOSED, remember


class Remembering(ConfigLoaderImpl):
    """Hydra's own, which remembers what it composed."""

    def load_configuration(self, config_name: str | None, *arguments: Any, **named: Any) -> DictConfig:
        cfg = super().load_configuration(config_name, *arguments, **named)
        plain: Any = OmegaConf.to_container(cfg, resolve=False)
        remember(str(config_name), {key: value for key, value in plain.items() if key != "hydra"})
        return cfg


@pytest.fixture(autouse=True)
def _composed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(hydra_app, "ConfigLoaderImpl", Remembering)
    COMPOSED.clear()
    yield
    COMPOSED.clear()
