"""What a sampler needs of an image model: its conditional mean at every noise level of its own schedule."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from cryosense.shown import ShowsInModule


class Denoiser(ShowsInModule, nn.Module, ABC):
    """x_t, t -> E[x_0 | x_t] for the diffusion x_t = sqrt(abar_t) x_0 + sqrt(1 - abar_t) n, n white of unit deviation.

    Attributes:
        alphas_cumprod: (T,) buffer, abar_t of the schedule that the model belongs to, falling with t.
        box_size: n, pixels along an edge of the images that the model knows.
        differentiable: whether gradients flow from the result to x_t, which the samplers ``dps`` and ``pigdm`` need.
    """

    alphas_cumprod: Tensor
    box_size: int
    differentiable: bool

    @abstractmethod
    def forward(self, x_t: Tensor, t: int) -> Tensor:
        """(b, 1, n, n) -> (b, 1, n, n): E[x_0 | x_t], one timestep 0 <= t < T for all images."""
