"""Training batches as a function of their number, so that an interrupted run resumes with the batch it would have had."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from cryosense import seeding
from cryosense.data import ParticleDataError, ParticleSource, Scaling, scaled_like
from cryosense.measurement.particle_ctf import ParticleCtf
from cryosense.training.augmentation import Augmentation

PERMUTATION, AUGMENTATION = 0, 1  # streams of the generator


class Batch(NamedTuple):
    """Images (b, 1, n, n) in units of the scaling, their particle numbers (b,), the batch number, and clean images or None.

    Clean images (b, 1, n, n) and images from either half of the frames are scaled and augmented like the images of the same
    particles, and their CTFs (b, 1, n, n // 2 + 1) turned with them; None where a network is not told any.
    """

    images: Tensor
    particles: Tensor
    number: int
    clean: Tensor | None
    ctf: Tensor | None = None
    halves: tuple[Tensor, Tensor] | None = None


class NumberedBatches(Sampler[tuple[int, Tensor]]):
    """Batch numbers with positions (b,), without end: every particle once per epoch, but for the rest that fills no batch.

    Args:
        particles: how many there are.
        batch_size: particles per batch and process.
        seed: seed of the order.
        first: returns the number to begin with; called when iteration begins.
        rank: number of this process, which takes its part of each batch of ``ranks * batch_size``.
        ranks: number of processes.

    Raises:
        ParticleDataError: fewer particles than one batch.
    """

    def __init__(
        self, particles: int, batch_size: int, seed: int, first: Callable[[], int], rank: int = 0, ranks: int = 1
    ) -> None:
        self.per_epoch = particles // (batch_size * ranks)
        if self.per_epoch < 1:
            raise ParticleDataError(f"batch_size={batch_size} x {ranks} processes: only {particles} particles to train on")
        self.particles, self.batch_size, self.seed, self.first = particles, batch_size, seed, first
        self.rank, self.ranks = rank, ranks

    def __iter__(self) -> Iterator[tuple[int, Tensor]]:
        number, epoch, order = self.first(), -1, torch.empty(0, dtype=torch.int64)
        while True:
            if number // self.per_epoch != epoch:
                epoch = number // self.per_epoch
                order = torch.from_numpy(seeding.generator(self.seed, epoch, PERMUTATION).permutation(self.particles))
            start = (number % self.per_epoch * self.ranks + self.rank) * self.batch_size
            yield number, order[start : start + self.batch_size]
            number += 1


class TrainingImages(Dataset[Batch]):
    """Batches by (number, positions): read, scaled and augmented by draws that depend only on number and particle.

    Attributes:
        ctf: CTFs that batches hold, by particle number; None for none.
    """

    ctf: ParticleCtf | None = None

    def __init__(
        self, source: ParticleSource, particles: Tensor, scaling: Scaling, augmentation: Augmentation, seed: int
    ) -> None:
        self.source, self.particles, self.scaling = source, particles, scaling
        self.augmentation, self.seed = augmentation, seed

    def __getitem__(self, batch: tuple[int, Tensor]) -> Batch:
        number, positions = batch
        particles = self.particles[positions]
        scaled = _scaled(self.source, particles, self.scaling)
        images, clean, *halves = (None if each is None else self._augmented(each, particles, number) for each in scaled)
        assert images is not None
        return Batch(images, particles, number, clean, self._ctf(particles, number), _pair(halves))

    def _ctf(self, particles: Tensor, number: int) -> Tensor | None:
        if self.ctf is None:
            return None
        planes = zip(self.ctf(particles), particles.tolist(), strict=True)
        return torch.stack([self.augmentation.of_plane(plane, self._random(number, p)) for plane, p in planes])

    def _augmented(self, images: Tensor, particles: Tensor, number: int) -> Tensor:
        changed = []
        for image, particle in zip(images, particles.tolist(), strict=True):
            changed.append(self.augmentation(image, self._random(number, particle)))
        return torch.stack(changed)

    def _random(self, number: int, particle: int) -> np.random.Generator:
        return seeding.generator(self.seed + number, particle, AUGMENTATION)


class ValidationImages(Dataset[Batch]):
    """The first images of a set of particles as they are, ``batch_size`` at a time; ``ctf`` as in ``TrainingImages``."""

    ctf: ParticleCtf | None = None

    def __init__(self, source: ParticleSource, particles: Tensor, scaling: Scaling, batch_size: int) -> None:
        self.source, self.scaling = source, scaling
        self.batches = particles.split(batch_size)

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> Batch:
        particles = self.batches[index]
        images, clean, *halves = _scaled(self.source, particles, self.scaling)
        assert images is not None
        return Batch(images, particles, index, clean, None if self.ctf is None else self.ctf(particles), _pair(halves))


def _scaled(source: ParticleSource, particles: Tensor, scaling: Scaling) -> list[Tensor | None]:
    """Return images, clean images and two halves, (b, 1, n, n) or None, all scaled by the map of the images."""
    images, offset, gain = scaling(source.images[particles])
    others = (source.clean, *(source.halves or (None, None)))
    return [images, *(None if stack is None else scaled_like(stack[particles], offset, gain) for stack in others)]


def _pair(halves: Sequence[Tensor | None]) -> tuple[Tensor, Tensor] | None:
    one, other = halves
    return None if one is None or other is None else (one, other)
