"""The verb ``cryosense train``: a network from a particle stack."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from lightning.pytorch.utilities import rank_zero_only
from omegaconf import DictConfig, OmegaConf

from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.positional import in_full
from cryosense.cli.refusal import one_line
from cryosense.cli.running import identity, opening, say_if_done, seen
from cryosense.errors import ArgumentError
from cryosense.runs.inputs import digest_of
from cryosense.training.file_masks import lacks_coefficients
from cryosense.training.halves import BetweenHalves
from cryosense.training.run import TRAINING, Training

# What is reported during training is not part of what is trained.
WITHOUT_EFFECT = ("logger",)


def train(cfg: DictConfig) -> Path:
    """Train what a composed config describes, or resume it; return the folder of weights.

    Of several processes that train together the first holds the run's directory.
    """
    directory = Path(cfg.output_dir)
    if cfg.get("init") is not None:
        refuse_named(("network=", "network."), "init takes the network from the model's folder")
    refuse_without_halves(cfg)
    training: Training = instantiate(cfg.training)
    if lacks_coefficients(training.source):
        refuse_named(("operator", "compression="), "a measurement file says itself how its particles were measured")
    files = seen(training.source.files)
    module, fingerprint = training.module(), training.source.data_fingerprint
    if module.ctf is not None:
        fingerprint = f"{fingerprint} {module.ctf.fingerprint()}"
    if module.started_from:
        fingerprint = f"{fingerprint} start {digest_of(module.started_from)}"
    open_run = opening(cfg, TRAINING, identity(cfg, WITHOUT_EFFECT), fingerprint, files)
    if getattr(rank_zero_only, "rank", 0):
        if not open_run.is_done(directory):
            training.run(module, directory, files)
        return directory / "model"
    if module.ctf is not None:
        print(f"cryosense train: {module.ctf.said()}", file=sys.stderr)
    if module.started_from:
        folder, kind = module.started_from[0].parent, type(module.network).__name__
        print(f"cryosense train: init={cfg.init}: starts from the {kind} in {folder}", file=sys.stderr)
    say_if_done("train", open_run, directory)
    with open_run(directory) as run:
        if not run.done:
            training.run(module, directory, files)
            run.finish({"steps": training.steps})
    return directory / "model"


def refuse_named(keys: tuple[str, ...], reason: str) -> None:
    """Raise ArgumentError if the command line names what begins so, which something else says already."""
    words = HydraConfig.get().overrides.task if HydraConfig.initialized() else []
    named = [word for word in words if word.lstrip("+~").startswith(keys)]
    if named:
        raise ArgumentError(f"{named[0]}: {reason}: leave it out")


def refuse_without_halves(cfg: DictConfig) -> None:
    """Raise ArgumentError for a loss between halves of data that have no key for them."""
    loss = str(OmegaConf.select(cfg, "model.loss._target_")).rpartition(".")[2]
    if loss == BetweenHalves.__name__ and "half_paths" not in cfg.data:
        raise ArgumentError(
            "model/loss=halves: data.half_paths=[odd,even] is needed: two stacks, of the odd and of the even frames"
        )


def _of_no_stop(record: logging.LogRecord) -> bool:
    """Whether Lightning says something else than that it was stopped, which the command says itself."""
    return not any(word in record.getMessage() for word in ("KeyboardInterrupt", "Received SIGTERM"))


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="train")
def _train(cfg: DictConfig) -> None:
    with one_line("train"):
        print(f"model in {train(cfg)}")


def main() -> None:
    """Train, and say where the weights are; input that cannot be used ends in one line that says why."""
    sys.argv[1:] = in_full("train", sys.argv[1:])
    logging.getLogger("lightning.pytorch.utilities.rank_zero").addFilter(_of_no_stop)
    _train()
