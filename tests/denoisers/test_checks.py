"""Denoisers obey the laws, and what does not is told which law it breaks."""

import pytest
import torch
from torch import Tensor

from cryosense import fourier
from cryosense.denoisers import Denoiser, GaussianDenoiser
from cryosense.denoisers.checks import check_denoiser
from cryosense.laws import LawError

N = 16
ABAR = torch.cumprod(1 - torch.linspace(1e-3, 0.2, 20, dtype=torch.float64), 0)
SPECTRUM = 0.1 + 3 / (1 + fourier.frequency_radius(N) ** 2)


def test_the_gaussian_obeys_the_laws() -> None:
    check_denoiser(GaussianDenoiser(0.3, SPECTRUM, ABAR))


class Shrinking(Denoiser):
    differentiable = True

    def __init__(self, abar: Tensor = ABAR) -> None:
        super().__init__()
        self.box_size = N
        self.register_buffer("alphas_cumprod", abar)

    def forward(self, x_t: Tensor, t: int) -> Tensor:
        return x_t * float(self.alphas_cumprod[t])


class Normalised(Shrinking):
    def forward(self, x_t: Tensor, t: int) -> Tensor:
        return x_t / x_t.std()


class Drawing(Shrinking):
    def forward(self, x_t: Tensor, t: int) -> Tensor:
        return x_t + torch.randn_like(x_t)


class Cut(Shrinking):
    def forward(self, x_t: Tensor, t: int) -> Tensor:
        return super().forward(x_t.detach(), t)


def test_a_broken_law_is_named() -> None:
    check_denoiser(Shrinking())
    for wrong, law in ((Normalised(), "neighbours"), (Drawing(), "the same again"), (Cut(), "gradients flow")):
        with pytest.raises(LawError, match=law):
            check_denoiser(wrong)
    with pytest.raises(LawError, match="falls with t"):
        check_denoiser(Shrinking(ABAR.flip(0)))
