"""``cryosense train``: a network from a particle stack."""

from __future__ import annotations

import sys
from pathlib import Path

import hydra
from hydra.utils import instantiate
from lightning.pytorch.utilities import rank_zero_only
from omegaconf import DictConfig, OmegaConf

from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.reconstruct import with_stack_named
from cryosense.cli.refusal import one_line
from cryosense.runs.provenance import begin_session, end_session
from cryosense.runs.record import open_run
from cryosense.training.run import Training

# Where it is trained and what is told of it is not part of what is trained.
WITHOUT_EFFECT = ("output_dir", "logger")


def train(cfg: DictConfig) -> Path:
    """Train what a composed config describes, or go on with it. -> the folder of weights."""
    plain = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    assert isinstance(plain, dict)
    identity = OmegaConf.to_yaml(OmegaConf.create({k: v for k, v in plain.items() if k not in WITHOUT_EFFECT}))
    training: Training = instantiate(cfg.training)
    module = training.module()
    directory = Path(cfg.output_dir)
    open_run(directory, identity, training.source.fingerprint())
    rank_zero_only(begin_session)(directory)
    model = training.run(module, directory)
    rank_zero_only(end_session)(directory)
    return model


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="train")
def _train(cfg: DictConfig) -> None:
    with one_line("train"):
        print(f"model in {train(cfg)}")


def main() -> None:
    """Train, and say where the weights are; input that cannot be used ends in one line that says why."""
    sys.argv[1:] = with_stack_named(sys.argv[1:])
    _train()
