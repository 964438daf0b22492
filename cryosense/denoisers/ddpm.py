"""A trained diffusion model as a denoiser."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from cryosense.cpu_tiles import in_equal_portions
from cryosense.denoisers.base import Denoiser
from cryosense.denoisers.gaussian import GaussianDenoiser
from cryosense.errors import ArgumentError
from cryosense.float32 import float32_kept

if TYPE_CHECKING:  # diffusers takes seconds to import, which only who opens a network should wait for
    from diffusers import UNet2DModel

AT_A_TIME = 8  # images: fewer cost more each, more fall out of the cache
PRECISIONS = {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}


class DDPMDenoiser(Denoiser):
    """E[x_0 | x_t] by Tweedie's formula from a network that predicts the noise, the velocity or the image itself.

    On the CPU the network sees eight images at a time, in as many threads as torch has, so that an image's result does not
    depend on how many others it comes with.

    Args:
        network: maps images (b, 1, n, n) and a timestep to a prediction (b, 1, n, n).
        alphas_cumprod: (T,) abar_t of the schedule that it was trained with.
        prediction: ``epsilon``, ``v_prediction`` or ``sample``.
        gaussian: the Gaussian model with the mean and the radial power spectrum of the training images, if known.
        precision: in which the network computes where torch deems that safe (autocast); all around it stays as precise as the
            images. With ``float32`` the network is used as it is, and keeps that precision on a GPU too (``float32_kept``).

    Raises:
        ArgumentError: another precision.
    """

    differentiable = True

    def __init__(
        self,
        network: UNet2DModel,
        alphas_cumprod: Tensor,
        prediction: str,
        gaussian: GaussianDenoiser | None,
        precision: str = "float32",
    ) -> None:
        super().__init__()
        if precision not in PRECISIONS:
            raise ArgumentError(f"precision={precision}: one of {', '.join(PRECISIONS)}")
        self.precision = precision
        # Convolutions on the CPU and on tensor cores want the channels innermost.
        self.network = network.eval().requires_grad_(False).to(memory_format=torch.channels_last)
        self.register_buffer("alphas_cumprod", alphas_cumprod.double())
        abar = alphas_cumprod.double().cpu()
        self.scales = list(zip(abar.sqrt().tolist(), (1 - abar).sqrt().tolist(), strict=True))  # of the image and of the noise
        self.prediction, self.gaussian = prediction, gaussian
        self.box_size = int(network.config["sample_size"])

    def forward(self, x_t: Tensor, t: int) -> Tensor:
        predicted = self._predict(x_t, t)
        signal, noise = self.scales[t]
        if self.prediction == "epsilon":
            return (x_t - noise * predicted) / signal
        return signal * x_t - noise * predicted if self.prediction == "v_prediction" else predicted

    def _predict(self, x_t: Tensor, t: int) -> Tensor:
        # A plain number would have a network compiled anew for each of its values, and one on the CPU would be waited for.
        time = torch.full((), t, device=x_t.device)

        def work(part: Tensor) -> tuple[Tensor]:
            lower = PRECISIONS[self.precision]
            with float32_kept(), nullcontext() if lower is None else torch.autocast(part.device.type, lower):
                made = self.network(part.contiguous(memory_format=torch.channels_last), time).sample
            return (made.to(part.dtype),)

        if x_t.device.type == "cpu" and torch.is_grad_enabled() and x_t.requires_grad:
            filled = torch.cat([x_t, x_t.new_zeros(-len(x_t) % AT_A_TIME, *x_t.shape[1:])])
            return torch.cat([work(part)[0] for part in filled.split(AT_A_TIME)])[: len(x_t)]
        return in_equal_portions(work, x_t, AT_A_TIME)[0]
