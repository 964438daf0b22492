"""How weights are updated: AdamW, its learning rate, and the moving average that is validated and exported."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from diffusers.optimization import get_cosine_schedule_with_warmup
from diffusers.training_utils import EMAModel
from torch import nn
from torch.optim.lr_scheduler import LambdaLR


@dataclass(frozen=True)
class Optimisation:
    """Settings of the optimiser and of the moving average.

    Attributes:
        learning_rate, betas, weight_decay: of AdamW.
        warmup_steps: steps in which the rate rises to ``learning_rate``.
        steps: optimiser steps in all.
        decay_steps: last steps, in which the rate falls to 0 on a line; it is level before, so that a checkpoint from there
            can be trained for longer. None: the rate falls to 0 on a cosine, from the warm-up on.
        ema_inv_gamma, ema_power, ema_max_decay: of the average, whose decay after k steps is
            ``min(max_decay, 1 - (1 + k / inv_gamma)^-power)``.
    """

    learning_rate: float = 1e-4
    betas: Sequence[float] = (0.95, 0.999)
    weight_decay: float = 1e-6
    warmup_steps: int = 500
    steps: int = 10000
    ema_inv_gamma: float = 1.0
    ema_power: float = 0.75
    ema_max_decay: float = 0.9999
    decay_steps: int | None = None

    def optimiser(self, parameters: Iterator[nn.Parameter]) -> torch.optim.AdamW:
        """Return AdamW on these parameters."""
        betas = (self.betas[0], self.betas[1])
        return torch.optim.AdamW(parameters, self.learning_rate, betas=betas, weight_decay=self.weight_decay, foreach=True)

    def schedule(self, optimiser: torch.optim.Optimizer) -> LambdaLR:
        """Return the learning rate schedule, to be advanced after every step."""
        if self.decay_steps is None:
            return get_cosine_schedule_with_warmup(optimiser, self.warmup_steps, self.steps)
        return LambdaLR(optimiser, self._level_then_falling)

    def _level_then_falling(self, step: int) -> float:
        assert self.decay_steps is not None
        rising, left = step / max(1, self.warmup_steps), (self.steps - step) / max(1, self.decay_steps)
        return max(0.0, min(1.0, rising, left))

    def average(self, parameters: Iterator[nn.Parameter]) -> EMAModel:
        """Return the moving average, which begins with these parameters."""
        return EMAModel(
            parameters,
            decay=self.ema_max_decay,
            use_ema_warmup=True,
            inv_gamma=self.ema_inv_gamma,
            power=self.ema_power,
            foreach=True,
        )
