"""Designs of mask families: which family, how much compression."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from cryosense.measurement.design import DrawnDesign
from cryosense.operators.base import LinearOperator
from cryosense.operators.fourier_sampling import FourierSampling
from cryosense.operators.masks import MaskError, Seed, radial, random_binary
from cryosense.operators.pixel import PixelMasking


class PixelFamily(Protocol):
    """A pixel-domain mask family with its parameters set."""

    def __call__(self, box_size: int, count: int, *, seed: Seed) -> Tensor: ...


class FourierFamily(Protocol):
    """A Fourier-domain mask family with its parameters set."""

    def __call__(self, box_size: int, kept_fraction: float, *, symmetric: bool, seed: Seed) -> Tensor: ...


def family_name(masks: PixelFamily | FourierFamily) -> str:
    """Return the name of the function behind a mask family, for records."""
    return str(getattr(getattr(masks, "func", masks), "__name__", type(masks).__name__))


class MaskDesign(DrawnDesign):
    """A design from a mask family."""

    @abstractmethod
    def draw(self, box_size: int, seed: Seed) -> Tensor:
        """Return one mask set."""

    @abstractmethod
    def build(self, masks: Tensor) -> LinearOperator:
        """Return the operator of one mask set, or of a stack of them."""

    def one(self, box_size: int, seed: Seed) -> LinearOperator:
        return self.build(self.draw(box_size, seed))

    def several(self, box_size: int, seeds: Sequence[Seed]) -> LinearOperator:
        return self.build(torch.stack([self.draw(box_size, seed) for seed in seeds]))


class PixelDesign(MaskDesign):
    """Masked sums over blocks; ``compression`` sets the number of masks, round(K^2 / C).

    ``DrawnDesign`` explains the other arguments.

    Args:
        masks: pixel-domain family.
        block_size: K in pixels.

    Raises:
        MaskError: more compression than one mask makes.
    """

    domain = "pixel"
    block_size: int

    def __init__(
        self,
        masks: PixelFamily = random_binary,
        block_size: int = 4,
        compression: float = 2.5,
        per_particle: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__(compression, per_particle, seed)
        self.masks, self.family, self.block_size = masks, family_name(masks), block_size
        self.count = round(block_size**2 / compression)
        if compression > block_size**2:
            raise MaskError(
                f"compression={compression} is more than block_size={block_size} allows: one mask makes {block_size**2}"
            )

    @property
    def compression_nominal(self) -> float:
        return self.block_size**2 / self.count

    def at(self, compression: float) -> PixelDesign:
        return PixelDesign(self.masks, self.block_size, compression, self.per_particle, self.seed)

    def draw(self, box_size: int, seed: Seed) -> Tensor:
        return self.masks(box_size, self.count, seed=seed)

    def build(self, masks: Tensor) -> PixelMasking:
        return PixelMasking(masks, self.block_size)


class FourierDesign(MaskDesign):
    """Kept Fourier coefficients; ``compression`` sets the kept fraction, 1 / C.

    ``DrawnDesign`` explains the other arguments.

    Args:
        masks: Fourier-domain family.
        symmetric: keep both members of each Friedel pair or neither, and always DC; false is the paper's convention.
    """

    domain = "fourier"
    symmetric: bool

    def __init__(
        self,
        masks: FourierFamily = radial,
        symmetric: bool = True,
        compression: float = 2.5,
        per_particle: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__(compression, per_particle, seed)
        self.masks, self.family, self.symmetric = masks, family_name(masks), symmetric

    def at(self, compression: float) -> FourierDesign:
        return FourierDesign(self.masks, self.symmetric, compression, self.per_particle, self.seed)

    def draw(self, box_size: int, seed: Seed) -> Tensor:
        return self.masks(box_size, 1 / self.compression, symmetric=self.symmetric, seed=seed)

    def build(self, masks: Tensor) -> FourierSampling:
        return FourierSampling(masks)
