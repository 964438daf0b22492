"""What all trained models share: the optimisation, a moving average of the weights, checkpoints that hold both."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import lightning.pytorch as pl
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import nn

from cryosense.data import ParticleSource, ParticleStack, Scaling
from cryosense.measurement.particle_ctf import ParticleCtf
from cryosense.training.optimisation import Optimisation

Network = TypeVar("Network", bound=nn.Module)


def seeded(make_network: Callable[[], Network], seed: int) -> Network:
    """Return the network, with weights drawn from torch's generator under this seed; the generator's state is restored."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return make_network()


class AveragedTraining(pl.LightningModule, ABC):
    """A network in training; the weights that are validated and exported are the moving average of the trained ones.

    Args:
        network: untrained.
        optimisation: of its weights, and of their average.

    Attributes:
        samples: whether images can be drawn from the model (``SampleGrid``).
        ctf: the CTFs of the particles taken, if the network is told them.
        started_from: files of the model whose weights it started from; none if its weights were drawn.
    """

    samples = False
    ctf: ParticleCtf | None = None
    started_from: tuple[Path, ...] = ()

    def __init__(self, network: nn.Module, optimisation: Optimisation) -> None:
        super().__init__()
        self.network, self.optimisation = network, optimisation
        self.ema = optimisation.average(network.parameters())

    @abstractmethod
    def check(self, source: ParticleSource) -> None:
        """Raise ParticleDataError if the particles do not fit the network or the loss."""

    def take(self, source: ParticleSource) -> None:
        """Adopt what the particles to be trained on say of their measurement."""

    def learn(self, images: ParticleStack, scaling: Scaling, chunk_size: int) -> None:
        """Learn what it needs to know of all images to be trained on, ``chunk_size`` at a time, before the first batch."""

    @abstractmethod
    def export(self, folder: Path) -> None:
        """Write the averaged weights and whatever is needed to use them."""

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        super().optimizer_step(*args, **kwargs)
        self.ema.step(self.network.parameters())

    def configure_optimizers(self) -> OptimizerLRScheduler:
        optimiser = self.optimisation.optimiser(self.network.parameters())
        return {
            "optimizer": optimiser,
            "lr_scheduler": {"scheduler": self.optimisation.schedule(optimiser), "interval": "step"},
        }

    @contextmanager
    def averaged_weights(self) -> Iterator[nn.Module]:
        """Yield the network with its averaged weights; the trained ones are restored afterwards."""
        self.ema.to(self.device)
        self.ema.store(self.network.parameters())
        self.ema.copy_to(self.network.parameters())
        try:
            yield self.network
        finally:
            self.ema.restore(self.network.parameters())

    def on_fit_start(self) -> None:
        self.ema.to(self.device)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["ema"] = self.ema.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.ema.load_state_dict(checkpoint["ema"])
