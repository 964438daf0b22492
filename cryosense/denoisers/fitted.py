"""A Gaussian model that is fitted to images later."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from cryosense.denoisers.gaussian import GaussianDenoiser


@dataclass(frozen=True)
class GaussianFromImages:
    """``GaussianDenoiser`` with the spectrum of images given later, on the schedule of Ho et al. 2020.

    Attributes:
        timesteps: length of the schedule.
        beta_start, beta_end: first and last beta, linear in between.
    """

    timesteps: int = 1000
    beta_start: float = 1e-4
    beta_end: float = 0.02

    def fit(self, images: Tensor) -> GaussianDenoiser:
        """Return the model of these images, (t, 1, n, n)."""
        betas = torch.linspace(self.beta_start, self.beta_end, self.timesteps, dtype=torch.float64)
        return GaussianDenoiser.fit(images, torch.cumprod(1 - betas, 0))
