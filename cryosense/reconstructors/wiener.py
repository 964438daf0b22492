"""The Gaussian prior: the best linear estimate for images of a known radial power spectrum."""

from __future__ import annotations

import torch
from torch import Tensor

from cryosense import fourier
from cryosense.cpu_tiles import in_equal_portions
from cryosense.errors import ArgumentError
from cryosense.measurement import Measurement
from cryosense.operators.base import Solution
from cryosense.reconstructors.base import Estimate, Reconstructor

AT_A_TIME = 16  # images: the rounding of products in float64 depends on their number


class Wiener(Reconstructor):
    """Posterior mean under x ~ N(mu, F^H diag(S) F) with S radial and mu constant, both estimated on other images.

    Where the target is not the measured image x but a part s of it (x = s + independent stationary noise), the posterior mean
    of x is multiplied by S_sx / S_x, the cross-spectrum over the spectrum: the linear minimum-mean-square estimate of s.
    """

    name = "wiener"
    prior = "gaussian"
    learns = True

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("spectrum", None)
        self.register_buffer("gain", None)
        self.mean = self.target_mean = 0.0

    def fit(self, images: Tensor, targets: Tensor, ctf: Tensor | None = None) -> None:
        """Estimate mean, spectrum and cross-spectrum from images (t, 1, n, n) and targets (t, 1, n, n).

        The coefficient at the origin is given at least the variance of the first shell, because a few images say little about
        it.
        """
        del ctf
        self.mean, self.target_mean = float(images.mean()), float(targets.mean())
        x, s = fourier.fftn(images.double() - self.mean), fourier.fftn(targets.double() - self.target_mean)
        spectrum = fourier.rotational_mean((x.abs() ** 2).mean((0, 1)))
        cross = fourier.rotational_mean((x.conj() * s).real.mean((0, 1)))
        middle = images.shape[-1] // 2
        spectrum[middle, middle] = torch.maximum(spectrum[middle, middle], spectrum[middle, middle + 1])
        self.spectrum = spectrum.clamp_min(1e-9 * float(spectrum.max()))
        self.gain = (cross / self.spectrum).clamp(0, 1)
        self.gain[middle, middle] = 1.0

    def forward(self, measurement: Measurement) -> Estimate:
        y, operator = measurement.y, measurement.operator
        if self.spectrum is None:
            raise ArgumentError("the Gaussian prior has no spectrum yet: fit it on images first")
        if self.spectrum.shape[-1] != operator.box_size:
            raise ArgumentError(f"fitted at {self.spectrum.shape[-1]} px, asked for {operator.box_size} px: fit it again")
        level = torch.full((1, 1, operator.box_size, operator.box_size), self.mean, dtype=y.dtype, device=y.device)
        centred = y - operator(level.expand(operator.mask_sets, -1, -1, -1))
        noise_std, spectrum = measurement.noise_std, self.spectrum

        def estimated(images: Tensor) -> Solution:
            noise = noise_std if len(noise_std) == 1 else noise_std[images]
            return operator.part(images).stationary_posterior_mean(centred[images], spectrum, noise)

        x, iterations, residual = in_equal_portions(estimated, torch.arange(len(y), device=y.device), AT_A_TIME)
        filtered = fourier.ifftn(fourier.fftn(x.double()) * self.gain).real.to(y.dtype)
        return Estimate(filtered + self.target_mean, iterations, residual)
