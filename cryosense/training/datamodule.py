"""Particles for training and validation, as Lightning asks for them."""

from __future__ import annotations

import lightning.pytorch as pl
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from cryosense.data import ParticleSource, Scaling
from cryosense.measurement.particle_ctf import ParticleCtf
from cryosense.training.augmentation import Augmentation
from cryosense.training.batches import Batch, NumberedBatches, TrainingImages, ValidationImages
from cryosense.training.splits import Split


class ParticleDataModule(pl.LightningDataModule):
    """Batches of a stack, split into training and validation.

    Args:
        particles: images and, where known, clean images; read batch by batch.
        split: which particles are for training and which for validation.
        scaling: scaling of the images.
        augmentation: augmentation of the training images.
        batch_size: per process.
        validation_images: at most this many, spread evenly over the validation particles.
        workers: processes that read ahead; 0 reads in the training process.
        seed: seed of order and augmentation.
    """

    def __init__(
        self,
        particles: ParticleSource,
        split: Split,
        scaling: Scaling,
        augmentation: Augmentation,
        *,
        batch_size: int,
        validation_images: int,
        workers: int,
        seed: int,
    ) -> None:
        super().__init__()
        step = max(1, len(split.validation) // validation_images)
        self._validation = ValidationImages(particles, split.validation[::step][:validation_images], scaling, batch_size)
        self._train = TrainingImages(particles, split.train, scaling, augmentation, seed)
        self.split, self.batch_size, self.workers, self.seed = split, batch_size, workers, seed

    def see_through(self, ctf: ParticleCtf | None) -> None:
        """Let batches hold the CTFs of their particles, None for none."""
        self._train.ctf = self._validation.ctf = ctf

    def first_batch(self) -> int:
        """Return the number of the batch with which training begins or resumes."""
        assert self.trainer is not None
        return int(self.trainer.global_step) * int(self.trainer.accumulate_grad_batches)

    def train_dataloader(self) -> DataLoader[Batch]:
        assert self.trainer is not None
        ranks, rank = self.trainer.world_size, self.trainer.global_rank
        batches = NumberedBatches(len(self.split.train), self.batch_size, self.seed, self.first_batch, rank, ranks)
        return self._loader(self._train, batches)

    def val_dataloader(self) -> DataLoader[Batch]:
        # Every process uses all of them: a few hundred images, and none has to wait for a sum.
        return self._loader(self._validation, None)

    def _loader(self, batches: Dataset[Batch], order: Sampler[tuple[int, Tensor]] | None) -> DataLoader[Batch]:
        persistent = self.workers > 0
        return DataLoader(batches, sampler=order, batch_size=None, num_workers=self.workers, persistent_workers=persistent)
