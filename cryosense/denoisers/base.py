"""What a sampler needs from an image model: its conditional mean at every noise level of its own schedule."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from cryosense.shown import ShowsInModule


class Denoiser(ShowsInModule, nn.Module, ABC):
    """E[x_0 | x_t] for the diffusion ``x_t = sqrt(abar_t) x_0 + sqrt(1 - abar_t) n``, n white with unit standard deviation.

    Attributes:
        alphas_cumprod: (T,) buffer, abar_t of the schedule that the model belongs to, falling with t.
        box_size: n, the edge in pixels of the images that the model was made for.
        differentiable: whether gradients flow from the result to x_t, which the samplers ``dps`` and ``pigdm`` need.
    """

    alphas_cumprod: Tensor
    box_size: int
    differentiable: bool

    @abstractmethod
    def forward(self, x_t: Tensor, t: int) -> Tensor:
        """Return E[x_0 | x_t], (b, 1, n, n), at one timestep ``0 <= t < T`` for all images."""
