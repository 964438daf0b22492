"""Samples of p(x | y) under a diffusion model: one, or the mean and the standard deviation of several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from cryosense.denoisers import CleanGaussianFromImages, DDPMDenoiser, Denoiser, GaussianDenoiser, GaussianFromImages
from cryosense.errors import ArgumentError
from cryosense.measurement import Measurement
from cryosense.operators import FourierSampling, LinearOperator
from cryosense.reconstructors.base import Estimate, Reconstructor
from cryosense.reconstructors.draws import keyed_noise
from cryosense.reconstructors.samplers import STATIONARY, Sampler
from cryosense.reconstructors.seen import level_kept, seen_in
from cryosense.solvers.posterior import NoiseDraw, Task

KNOW_IMAGING = ("stationary", "jacobian")
KNOWS_CTF = "stationary"  # exact at any number of steps, whatever an image lacks


class Posterior(Reconstructor):
    """Samples x ~ p(x | y) from a diffusion model and a sampler.

    The estimate is the mean over samples. The mean of one sample is the sample itself, which looks like a particle image; the
    mean of many is the image with the least expected square error. Draws are keyed by seed, particle and sample, so a result
    does not depend on which other particles are reconstructed with it, or in what order.

    A model of clean images that is sampled by ``stationary`` from noise knows CTFs: where the measurement has them, the model
    is of projections x, each data step sees ``C x``, and the samples are of that, the image without its noise. The level of an
    image is its own, since particles are extracted with their background's level taken off.

    Args:
        denoiser: the prior, or ``GaussianFromImages``, which is fitted to held-back images; of clean images if it is a
            ``CleanGaussianFromImages``, whose noise then counts as noise of the measurement.
        prior: its name in records; None for the name of its class.
        sampler: the algorithm.
        network_evaluations: number of timesteps, and of calls of the denoiser, per sample.
        spacing: spacing of the timesteps, as diffusers names it: ``trailing``, ``leading`` or ``linspace``.
        samples: samples per particle.
        first_timestep: timestep to which the pseudo-inverse is noised as the start; None starts from noise alone.
        seed: seed of the draws.

    Raises:
        ArgumentError: a number out of range, or a sampler that needs gradients the denoiser does not have.
    """

    name = "posterior"
    knows_ctf = True

    def __init__(
        self,
        denoiser: Denoiser | GaussianFromImages,
        prior: str | None = None,
        sampler: Sampler = STATIONARY,
        network_evaluations: int = 20,
        spacing: str = "trailing",
        samples: int = 1,
        first_timestep: int | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if samples < 1 or network_evaluations < 1:
            raise ArgumentError(f"samples={samples}, network_evaluations={network_evaluations}: give 1 or more")
        self.prior, self.sampler, self.seed = prior or type(denoiser).__name__, sampler, seed
        self.samples = self.samples_drawn = samples
        self.sampler_name = sampler.name
        self.network_evaluations, self.spacing, self.first_timestep = network_evaluations, spacing, first_timestep
        self.unfitted = denoiser if isinstance(denoiser, GaussianFromImages) else None
        self.denoiser = denoiser if isinstance(denoiser, Denoiser) else None
        self.gaussian = _gaussian_of(self.denoiser)
        self.image_noise: Tensor | None = None
        self.learns = self.gaussian is None
        clean = isinstance(denoiser, CleanGaussianFromImages)
        self.knows_ctf = clean and sampler.name == KNOWS_CTF and first_timestep is None
        if self.denoiser is not None:
            self.timesteps(self.denoiser)

    @classmethod
    def knows_ctf_with(cls, settings: Mapping[str, Any]) -> bool:
        made, sampler = settings["denoiser"], settings.get("sampler", {}).get("name", STATIONARY.name)
        clean = isinstance(made, type) and issubclass(made, CleanGaussianFromImages)
        return clean and sampler == KNOWS_CTF and settings.get("first_timestep") is None

    def networks(self) -> list[nn.Module]:
        return [self.denoiser.network] if isinstance(self.denoiser, DDPMDenoiser) else []

    def prepare(self, operator: LinearOperator) -> None:
        box_size = operator.box_size
        coloured = isinstance(self.unfitted, CleanGaussianFromImages) and self.unfitted.coloured
        if coloured and not isinstance(operator, FourierSampling) and self.sampler_name not in KNOW_IMAGING:
            raise ArgumentError(
                f"sampler: {self.sampler_name} does not know coloured noise of the images under these masks: "
                f"choose {' or '.join(KNOW_IMAGING)}"
            )
        if self.denoiser is not None and self.denoiser.box_size != box_size:
            raise ArgumentError(
                f"denoiser: a model of images of {self.denoiser.box_size} px, the particles have {box_size} px: "
                "resample them by Fourier cropping, or train a model of their size (cryosense train)"
            )

    def fit(self, images: Tensor, targets: Tensor, ctf: Tensor | None = None) -> None:
        """Learn the power spectrum of images (t, 1, n, n) as they are measured, and with targets that of their noise.

        Only a model of clean images tells the two apart; others use neither targets nor CTFs.
        """
        if isinstance(self.unfitted, CleanGaussianFromImages):
            transfer = None if ctf is None or not self.knows_ctf else level_kept(ctf)
            self.denoiser, self.image_noise = self.unfitted.split(images, targets, transfer)
            self.gaussian = self.denoiser
        elif self.unfitted is not None:
            self.denoiser = self.gaussian = self.unfitted.fit(images)
        elif self.denoiser is not None:
            self.gaussian = GaussianDenoiser.fit(images, self.denoiser.alphas_cumprod)

    def extra_repr(self) -> str:
        drawn = f"samples={self.samples}, network_evaluations={self.network_evaluations}, spacing={self.spacing}"
        return (
            f"prior={self.prior}, sampler={self.sampler_name}, {drawn}, first_timestep={self.first_timestep}, seed={self.seed}"
        )

    def timesteps(self, denoiser: Denoiser) -> Tensor:
        """Return the falling timesteps, (s,). Raises ArgumentError where the schedule does not have them."""
        from diffusers import DDIMScheduler  # takes seconds to import, so only sampling should wait for it

        count, wanted = len(denoiser.alphas_cumprod), self.network_evaluations
        below = count if self.first_timestep is None else self.first_timestep + 1
        if not wanted <= below <= count:
            raise ArgumentError(
                f"network_evaluations={wanted}, first_timestep={self.first_timestep}: the "
                f"schedule has the timesteps 0 to {count - 1}, of which network_evaluations are needed up to first_timestep"
            )
        schedule = DDIMScheduler(num_train_timesteps=below, timestep_spacing=self.spacing)
        schedule.set_timesteps(wanted)
        return schedule.timesteps

    @torch.no_grad()
    def forward(self, measurement: Measurement) -> Estimate:
        if self.denoiser is None or self.gaussian is None:
            raise ArgumentError("the Gaussian model has no spectrum yet: fit it on images first")
        timesteps = self.timesteps(self.denoiser)
        y, operator, numbers = measurement.y, measurement.operator, measurement.numbers
        start = None if self.first_timestep is None else operator.pinv(y)
        draws, abar = (self.draws(numbers, s, y) for s in range(self.samples_drawn)), self.denoiser.alphas_cumprod
        noise_std, imaging = seen_in(self.image_noise, measurement)
        if self.knows_ctf and measurement.ctf is not None:
            imaging = replace(imaging, transfer=level_kept(measurement.ctf))
        tasks = (Task(self.denoiser, operator, y, noise_std, timesteps, abar, draw, start, imaging) for draw in draws)
        samples = [imaging.image(self.sampler.sample(task, self.gaussian)) for task in tasks]
        stacked = torch.stack(samples)
        deviation = stacked.std(0) if self.samples_drawn > 1 else None
        return Estimate(
            stacked.mean(0),
            network_evaluations=self.samples_drawn * len(timesteps),
            deviation=deviation,
            samples=stacked if self.samples_drawn > 1 else None,
        )

    def draws(self, numbers: Tensor, sample: int, like: Tensor) -> NoiseDraw:
        """Return a function that makes draw number i, (b, 1, n, n), of one sample of the particles with these numbers (b,)."""
        assert self.denoiser is not None
        return keyed_noise(self.seed, [(particle, sample) for particle in numbers.tolist()], self.denoiser.box_size, like)


def _gaussian_of(denoiser: Denoiser | None) -> GaussianDenoiser | None:
    """Return the Gaussian model of the same images, if it is known."""
    if isinstance(denoiser, DDPMDenoiser):
        return denoiser.gaussian
    return denoiser if isinstance(denoiser, GaussianDenoiser) else None
