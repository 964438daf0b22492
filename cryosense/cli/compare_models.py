"""``cryosense compare-models a.cif b.cif``: atomic models with each other and with a map."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import hydra
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.positional import with_list_named
from cryosense.cli.refusal import one_line
from cryosense.tasks.atomic_models.run import ModelRun

WITHOUT_EFFECT = ("output_dir", "run")


def compare_models(cfg: DictConfig) -> dict[str, object]:
    """Compare the models of a composed ``compare-models`` config. -> what sums it up."""
    plain: Any = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    identity = OmegaConf.to_yaml(OmegaConf.create({k: v for k, v in plain.items() if k not in WITHOUT_EFFECT}))
    run: ModelRun = instantiate(cfg.run)
    return run.run(Path(cfg.output_dir), identity)


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="compare-models")
def _compare(cfg: DictConfig) -> None:
    with one_line("compare-models"):
        summary = compare_models(cfg)
    directory = Path(cfg.output_dir)
    print((directory / "models.md").read_text())
    print(f"{directory}: chains.csv, residues.csv; look at models.png")
    warnings: Any = summary["warnings"]
    for warning in warnings:
        print(f"cryosense compare-models: warning: {warning}", file=sys.stderr)


def main() -> None:
    """Compare what the command line names; input that cannot be used ends in one line that says why."""
    sys.argv[1:] = with_list_named(sys.argv[1:], "models")
    _compare()
