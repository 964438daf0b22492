"""The denoiser that is known in closed form, for images that are a stationary Gaussian field."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor

from cryosense import fourier
from cryosense.denoisers.base import Denoiser
from cryosense.errors import ArgumentError

SMALLEST_POWER = 1e-9  # of the largest: a spectrum is kept positive, so that no frequency is known in advance


class GaussianDenoiser(Denoiser):
    """E[x_0 | x_t] for x_0 ~ N(mean, F^H diag(spectrum) F): the Wiener filter of each noise level.

    The control for a learned prior: how far the radial power spectrum alone, without learning, gets in the same sampler.

    Args:
        mean: mean level of the images.
        spectrum: (n, n) centred plane of ``E |F (x_0 - mean)|^2`` (unitary transform), positive, the same at k and -k.
        alphas_cumprod: (T,) abar_t of the schedule.

    Raises:
        ArgumentError: if the spectrum is not such a plane.
    """

    differentiable = True
    spectrum: Tensor

    def __init__(self, mean: float, spectrum: Tensor, alphas_cumprod: Tensor) -> None:
        super().__init__()
        if spectrum.ndim != 2 or spectrum.shape[0] != spectrum.shape[1] or not bool((spectrum > 0).all()):
            raise ArgumentError(f"spectrum of shape {tuple(spectrum.shape)}: a plane (n, n) of positive powers is needed")
        if not torch.allclose(spectrum, fourier.friedel_partner(spectrum)):
            raise ArgumentError("spectrum differs between k and -k, which that of real images does not: average the two")
        self.mean, self.box_size = mean, spectrum.shape[-1]
        self.register_buffer("spectrum", spectrum.double())
        self.register_buffer("alphas_cumprod", alphas_cumprod.double())

    @classmethod
    def fit(cls, images: Tensor, alphas_cumprod: Tensor) -> Self:
        """Return the model with the mean level and the radial power spectrum of training images (t, 1, n, n).

        The coefficient at the origin is given at least the variance of the first shell, because a few images say little about
        it.
        """
        mean = float(images.double().mean())
        power = fourier.fftn(images.double() - mean).abs().square().mean((0, 1))
        spectrum = fourier.rotational_mean(power)
        origin = images.shape[-1] // 2
        spectrum[origin, origin] = torch.maximum(spectrum[origin, origin], spectrum[origin, origin + 1])
        return cls(mean, spectrum.clamp_min(SMALLEST_POWER * float(spectrum.max())), alphas_cumprod)

    def extra_repr(self) -> str:
        return f"box_size={self.box_size}, mean={self.mean:.4g}"

    def forward(self, x_t: Tensor, t: int) -> Tensor:
        abar = self.alphas_cumprod[t]
        gain = abar.sqrt() * self.spectrum / (abar * self.spectrum + 1 - abar)
        level = abar.sqrt().to(x_t.dtype) * self.mean
        return self.mean + fourier.filtered(x_t - level, fourier.centred_to_half_plane(gain).to(x_t.dtype))

    def error_spectrum(self, t: int) -> Tensor:
        """Return the variance of each Fourier coefficient of x_0 given x_t, which stays unknown, centred (n, n)."""
        abar = self.alphas_cumprod[t]
        return self.spectrum * (1 - abar) / (abar * self.spectrum + 1 - abar)
