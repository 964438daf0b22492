"""What all trained models share: AdamW on a cosine, a moving average of the weights, checkpoints that hold both."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import lightning.pytorch as pl
import torch
from diffusers.optimization import get_cosine_schedule_with_warmup
from diffusers.training_utils import EMAModel
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import nn

from cryosense.data import ParticleSource

Network = TypeVar("Network", bound=nn.Module)


def seeded(make_network: Callable[[], Network], seed: int) -> Network:
    """-> the network, its weights drawn from torch's generator seeded here and left as it was."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return make_network()


class AveragedTraining(pl.LightningModule, ABC):
    """A network that is trained; the weights that are validated and exported are the moving average of those trained.

    Args:
        network: untrained.
        learning_rate, betas, weight_decay: of AdamW.
        warmup_steps: in which the rate rises to ``learning_rate``; it then falls to 0 on a cosine over ``steps``.
        steps: of the optimiser, in all.
        ema_inv_gamma, ema_power, ema_max_decay: of the average: its decay after k steps is
            min(max_decay, 1 - (1 + k / inv_gamma)^-power).

    Attributes:
        samples: whether images can be drawn from the model (:class:`.SampleGrid`).
    """

    samples = False

    def __init__(
        self,
        network: nn.Module,
        *,
        learning_rate: float,
        betas: Sequence[float],
        weight_decay: float,
        warmup_steps: int,
        steps: int,
        ema_inv_gamma: float,
        ema_power: float,
        ema_max_decay: float,
    ) -> None:
        super().__init__()
        self.network = network
        self.learning_rate, self.betas, self.weight_decay = learning_rate, (betas[0], betas[1]), weight_decay
        self.warmup_steps, self.steps = warmup_steps, steps
        self.ema = EMAModel(
            network.parameters(),
            decay=ema_max_decay,
            use_ema_warmup=True,
            inv_gamma=ema_inv_gamma,
            power=ema_power,
            foreach=True,
        )

    @abstractmethod
    def check(self, source: ParticleSource) -> None:
        """Raise ParticleDataError where particles do not fit the network or the loss."""

    @abstractmethod
    def export(self, folder: Path) -> None:
        """Write the averaged weights, and what is needed to use them."""

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        super().optimizer_step(*args, **kwargs)
        self.ema.step(self.network.parameters())

    def configure_optimizers(self) -> OptimizerLRScheduler:
        optimiser = torch.optim.AdamW(
            self.network.parameters(), self.learning_rate, betas=self.betas, weight_decay=self.weight_decay, foreach=True
        )
        schedule = get_cosine_schedule_with_warmup(optimiser, self.warmup_steps, self.steps)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    @contextmanager
    def averaged_weights(self) -> Iterator[nn.Module]:
        """The network with its averaged weights; afterwards those that are trained are back."""
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
