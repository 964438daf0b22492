"""Training of a denoising diffusion model (Ho et al. 2020): a Lightning module whose only mathematics is the loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel
from torch import Tensor

from cryosense import seeding
from cryosense.data import ParticleDataError, ParticleSource
from cryosense.errors import ArgumentError
from cryosense.training.averaged import AveragedTraining, seeded
from cryosense.training.batches import Batch
from cryosense.training.file_masks import refuse_lacking
from cryosense.training.halves import check_halves
from cryosense.training.optimisation import Optimisation

TRAINING_NOISE, VALIDATION_NOISE = 2, 3  # streams of the generator, beside those of the batches


class DDPMTraining(AveragedTraining):
    """Training to predict the noise, or the velocity, in a noised particle image.

    ``loss = |target - network(sqrt(abar_t) x_0 + sqrt(1 - abar_t) eps, t)|^2``, averaged over pixels, images and uniform t,
    with the target that the scheduler's ``prediction_type`` names.

    Args:
        make_network: makes the network, which maps images (b, 1, n, n) and timesteps (b,) to (b, 1, n, n); its weights are
            drawn from torch's generator, seeded here.
        scheduler: the noise schedule and what is predicted.
        optimisation: of the weights, and of their average.
        bands: edges of the timestep bands for which validation losses are given, from 0 to the number of timesteps.
        seed: seed of the initial weights, the timesteps and the noise.

    Raises:
        ArgumentError: edges of bands that do not ascend from 0 to the scheduler's number of timesteps.
    """

    samples = True
    network: UNet2DModel

    def __init__(
        self,
        make_network: Callable[[], UNet2DModel],
        scheduler: DDPMScheduler,
        optimisation: Optimisation,
        *,
        bands: Sequence[int] = (0, 10, 50, 100, 200, 300, 500, 700, 1000),
        seed: int = 0,
    ) -> None:
        timesteps = int(scheduler.config["num_train_timesteps"])
        if list(bands) != sorted(set(bands)) or bands[0] != 0 or bands[-1] != timesteps:
            raise ArgumentError(f"bands={list(bands)}: edges must ascend from 0 to the {timesteps} timesteps of the schedule")
        # Convolutions on the CPU and on tensor cores are faster with the channels innermost.
        super().__init__(seeded(make_network, seed).to(memory_format=torch.channels_last), optimisation)
        self.scheduler, self.timesteps = scheduler, timesteps
        self.bands, self.seed = list(bands), seed
        self._sums = torch.zeros(2, len(bands) - 1)

    def check(self, source: ParticleSource) -> None:
        refuse_lacking(source)
        check_halves(source, "ddpm", needed=False)
        stack, size = source.images, self.network.config["sample_size"]
        if stack.box_size != size:
            raise ParticleDataError(
                f"{stack.path}: images of {stack.box_size} px for a network of {size} px: resample them "
                "by Fourier cropping or choose another network"
            )

    def prediction_error(self, images: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """Return the network's mean squared error, (b,), for images and noise (b, 1, n, n) at timesteps (b,)."""
        noised = self.scheduler.add_noise(images, noise, timesteps)
        if self.scheduler.config["prediction_type"] == "v_prediction":
            target = self.scheduler.get_velocity(images, noise, timesteps)
        else:
            target = noise
        predicted = self.network(noised.contiguous(memory_format=torch.channels_last), timesteps).sample
        return (predicted.float() - target).square().flatten(1).mean(1)

    def draws(self, images: Tensor, index: int, stream: int, low: int, high: int) -> tuple[Tensor, Tensor]:
        """Return noise (b, 1, n, n) and timesteps (b,) in [low, high), fixed by seed, index and stream."""
        random = seeding.generator(self.seed, index, stream)
        timesteps = torch.from_numpy(random.integers(low, high, len(images)))
        noise = torch.from_numpy(random.standard_normal(images.shape, dtype="float32"))
        return noise.to(images.device), timesteps.to(images.device)

    def training_step(self, batch: Batch, _: int) -> Tensor:
        index = batch.number * self.trainer.world_size + self.trainer.global_rank
        noise, timesteps = self.draws(batch.images, index, TRAINING_NOISE, 0, self.timesteps)
        loss = self.prediction_error(batch.images, noise, timesteps).mean()
        self.log("train/loss", loss, prog_bar=True, batch_size=len(batch.images))
        return loss

    def validation_step(self, batch: Batch, _: int) -> None:
        with self.averaged_weights():
            for band, (low, high) in enumerate(zip(self.bands[:-1], self.bands[1:], strict=True)):
                noise, timesteps = self.draws(batch.images, batch.number * len(self.bands) + band, VALIDATION_NOISE, low, high)
                errors = self.prediction_error(batch.images, noise, timesteps)
                self._sums[:, band] += torch.tensor([errors.sum().item(), len(errors)])

    def on_validation_epoch_end(self) -> None:
        losses = (self._sums[0] / self._sums[1]).tolist()
        self._sums.zero_()
        total = 0.0
        for loss, low, high in zip(losses, self.bands[:-1], self.bands[1:], strict=True):
            self.log(f"validation/loss_t{low}_{high}", loss, rank_zero_only=True)
            total += loss * (high - low) / self.timesteps
        self.log("validation/loss", total, prog_bar=True, rank_zero_only=True)

    def export(self, folder: Path) -> None:
        """Write a ``DDPMPipeline`` folder (safetensors) with the averaged weights, which diffusers opens as it is."""
        with self.averaged_weights():
            network = self.network.to(memory_format=torch.contiguous_format)
            DDPMPipeline(unet=network, scheduler=self.scheduler).save_pretrained(folder, safe_serialization=True)
            self.network.to(memory_format=torch.channels_last)
