"""Pictures drawn from a diffusion model while it is trained."""

from __future__ import annotations

from pathlib import Path

import lightning.pytorch as pl
import matplotlib.pyplot as plt
import torch
from diffusers import DDIMScheduler
from torch import Tensor

from cryosense import seeding
from cryosense.files.writing import written_whole
from cryosense.training.ddpm import DDPMTraining


class SampleGrid(pl.Callback):
    """A callback that draws images from the averaged weights as ``<folder>/step_<step>.png``, every ``every_steps`` steps.

    Args:
        folder: where the pictures go.
        every_steps: optimiser steps between pictures.
        images: how many; a square number looks best.
        network_evaluations: DDIM steps for each.
        seed: seed of the noise they start from, the same in every picture.
    """

    def __init__(self, folder: Path, *, every_steps: int, images: int, network_evaluations: int, seed: int) -> None:
        self.folder, self.every_steps, self.images = folder, every_steps, images
        self.network_evaluations, self.seed = network_evaluations, seed
        self._last = 0

    def on_train_batch_end(self, trainer: pl.Trainer, module: pl.LightningModule, *_: object) -> None:
        step = trainer.global_step
        # Batches of one accumulated step have the same number.
        if step % self.every_steps or step == self._last or not trainer.is_global_zero:
            return
        self._last = step
        assert isinstance(module, DDPMTraining)
        box_size = int(module.network.config["sample_size"])
        samples = draw(module, self.images, box_size, self.network_evaluations, self.seed)
        self.folder.mkdir(parents=True, exist_ok=True)
        picture(samples, round(self.images**0.5), self.folder / f"step_{step:07d}.png")


@torch.no_grad()
def draw(module: DDPMTraining, count: int, box_size: int, network_evaluations: int, seed: int) -> Tensor:
    """Return samples of the averaged weights, (count, 1, n, n), by DDIM with eta = 1, their noise fixed by the seed."""
    scheduler = DDIMScheduler.from_config(module.scheduler.config, clip_sample=False)
    scheduler.set_timesteps(network_evaluations)
    random = seeding.generator(seed)

    def noise() -> Tensor:
        return torch.from_numpy(random.standard_normal((count, 1, box_size, box_size), dtype="float32")).to(module.device)

    x = noise()
    with module.averaged_weights() as network:
        for t in scheduler.timesteps:
            x = scheduler.step(network(x, t).sample, t, x, eta=1.0, variance_noise=noise()).prev_sample
    return x


def picture(images: Tensor, columns: int, path: Path) -> None:
    """Write images (m, 1, n, n) in [-1, 1] as a PNG with ``columns`` of them in a row."""
    rows = -(-len(images) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(1.2 * columns, 1.2 * rows), squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, image in zip(axes.flat, images[:, 0].cpu(), strict=False):
        axis.imshow(image, cmap="gray", vmin=-1, vmax=1)
    figure.subplots_adjust(0, 0, 1, 1, 0.02, 0.02)
    with written_whole(path) as unfinished:
        figure.savefig(unfinished, dpi=120, format="png")
    plt.close(figure)
