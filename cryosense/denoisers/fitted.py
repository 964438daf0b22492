"""Gaussian models that are fitted to images later: of the images, or of what is in them without their noise."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from cryosense import fourier
from cryosense.denoisers.gaussian import SMALLEST_POWER, GaussianDenoiser
from cryosense.errors import ArgumentError


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

    @property
    def alphas_cumprod(self) -> Tensor:
        """Return abar_t of the schedule, (T,) float64."""
        return torch.cumprod(1 - torch.linspace(self.beta_start, self.beta_end, self.timesteps, dtype=torch.float64), 0)

    def fit(self, images: Tensor) -> GaussianDenoiser:
        """Return the model of these images, (t, 1, n, n)."""
        return GaussianDenoiser.fit(images, self.alphas_cumprod)


@dataclass(frozen=True)
class CleanGaussianFromImages(GaussianFromImages):
    """``GaussianDenoiser`` of clean images that are known only with stationary noise, and the spectrum of that noise.

    The noise counts as noise of the measurement, ``y = A (x + n)``, so that samples are of x. With clean images the noise is
    what is left of the images without them. Without, it is white, of the variance outside the circle that fits into the box,
    where no particle is, and the spectrum of x is what it leaves of that of the images: deconvolution.

    Attributes:
        coloured: whether the noise has a radial spectrum, for which clean images must be known, or is white.
    """

    coloured: bool = False

    def split(self, images: Tensor, targets: Tensor, transfer: Tensor | None = None) -> tuple[GaussianDenoiser, Tensor]:
        """Return the model of x and the centred spectrum of n, (n, n) float64, from images (t, 1, n, n) and clean ones.

        Where ``targets`` are the images themselves, no clean ones are known. ``transfer`` (t, 1, n, n // 2 + 1), such as a CTF
        C: images are ``C x + n``, clean ones ``C x``, and x is modelled.

        Raises:
            ArgumentError: coloured noise without clean images.
        """
        if torch.equal(images, targets):
            return self._deconvolved(images, transfer)
        noise = fourier.fftn((images - targets).double()).abs().square().mean((0, 1))
        noise = fourier.rotational_mean(noise) if self.coloured else torch.full_like(noise, float(noise.mean()))
        if transfer is not None:
            return self._unseen(targets, transfer, 0.0), noise
        return GaussianDenoiser.fit(targets, self.alphas_cumprod), noise

    def _deconvolved(self, images: Tensor, transfer: Tensor | None) -> tuple[GaussianDenoiser, Tensor]:
        if self.coloured:
            raise ArgumentError("coloured=true needs clean images to learn from: the spectrum of noise is not known without")
        n = images.shape[-1]
        outside = fourier.frequency_radius(n, device=images.device) > n / 2  # the same circle, of pixels
        variance = float(images.double()[..., outside].var(-1).mean())
        if transfer is not None:
            model = self._unseen(images, transfer, variance)
            return model, torch.full_like(model.spectrum, variance)
        seen = GaussianDenoiser.fit(images, self.alphas_cumprod)
        least = SMALLEST_POWER * float(seen.spectrum.max())
        spectrum = (seen.spectrum - variance).clamp_min(least)
        return GaussianDenoiser(seen.mean, spectrum, self.alphas_cumprod), torch.full_like(spectrum, variance)

    def _unseen(self, images: Tensor, transfer: Tensor, noise: float) -> GaussianDenoiser:
        """Return the model of x, from images (t, 1, n, n) of C x in white noise of this variance per pixel.

        Its spectrum is, in each shell, the power of all images, less the noise, over that of all C. The origin is given at
        least the first shell as it is seen, because a few images say little about it.
        """
        n, level = images.shape[-1], float(images.double().mean())
        whole = fourier.fftn(images.double() - level).abs().square() - noise
        shells = fourier.shell_index(n, device=images.device)
        places = fourier.centred_to_half_plane(shells).flatten()
        # Columns other than the first and the last stand for two coefficients.
        share = fourier.half_space_multiplicity(n, device=images.device)

        def summed(planes: Tensor) -> Tensor:
            sums = torch.zeros(int(shells.max()) + 1, dtype=torch.float64, device=images.device)
            return sums.index_add_(0, places, (planes.double().sum((0, 1)) * share).flatten())

        power = summed(fourier.centred_to_half_plane(whole))
        spectrum = power / summed(transfer.square()).clamp_min(torch.finfo(torch.float64).tiny)
        count = summed(torch.ones_like(transfer))
        spectrum[0] = torch.maximum(spectrum[0], power[1] / count[1])
        least = SMALLEST_POWER * float(spectrum.max())
        return GaussianDenoiser(level, spectrum.clamp_min(least)[shells], self.alphas_cumprod)
