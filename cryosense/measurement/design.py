"""From a configuration to operators: which family, how much compression, one mask set for all particles or one for each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from cryosense.operators.base import LinearOperator
from cryosense.operators.each import Each
from cryosense.operators.fourier_sampling import FourierSampling
from cryosense.operators.masks import MaskError, Seed, radial, random_binary
from cryosense.operators.pixel import PixelMasking


class MakeOperator(Protocol):
    """An operator's class, or what makes one."""

    def __call__(self, box_size: int, compression: float, *, seed: Seed) -> LinearOperator: ...


class PixelFamily(Protocol):
    """A pixel-domain mask family with its parameters set."""

    def __call__(self, box_size: int, count: int, *, seed: Seed) -> Tensor: ...


class FourierFamily(Protocol):
    """A Fourier-domain mask family with its parameters set."""

    def __call__(self, box_size: int, kept_fraction: float, *, symmetric: bool, seed: Seed) -> Tensor: ...


def family_name(masks: PixelFamily | FourierFamily) -> str:
    """-> the name of the function behind a family, for the record."""
    return str(getattr(getattr(masks, "func", masks), "__name__", type(masks).__name__))


class Design(ABC):
    """Which operator measures which particle.

    Attributes:
        domain, family, block_size, symmetric: what it is called in tables.
        per_particle: whether each particle has masks of its own.
    """

    domain: str
    family: str | None = None
    block_size: int | None = None
    symmetric: bool | None = None
    per_particle: bool = False

    def __repr__(self) -> str:
        known = {name: value for name, value in vars(self).items() if not name.startswith("_")}
        return f"{type(self).__name__}({', '.join(f'{name}={value}' for name, value in known.items())})"

    @property
    @abstractmethod
    def compression_nominal(self) -> float:
        """Numbers in an image over numbers that the masks say they keep."""

    @abstractmethod
    def operator(self, box_size: int, numbers: Tensor) -> LinearOperator:
        """(b,) particle numbers -> the operator for these particles, the same for all or one mask set for each."""


class DrawnDesign(Design):
    """Operators drawn by a seed: the same for all particles, or one for each.

    Args:
        compression: nominal compression, at least 1.
        per_particle: draw masks for each particle, keyed by seed and particle number, instead of one set for all.
        seed: of the draws.
    """

    def __init__(self, compression: float = 2.5, per_particle: bool = False, seed: int = 0) -> None:
        if not compression >= 1:
            raise MaskError(f"compression={compression} is below 1: that would measure more numbers than the image has")
        self.compression, self.per_particle, self.seed = compression, per_particle, seed
        self._shared: LinearOperator | None = None

    @property
    def compression_nominal(self) -> float:
        return self.compression

    @abstractmethod
    def one(self, box_size: int, seed: Seed) -> LinearOperator:
        """-> an operator for any images."""

    @abstractmethod
    def several(self, box_size: int, seeds: Sequence[Seed]) -> LinearOperator:
        """-> an operator of one mask set for each seed."""

    def operator(self, box_size: int, numbers: Tensor) -> LinearOperator:
        """-> the operator for these particles (b,): the same for all, drawn once, unless ``per_particle``.

        Raises:
            MaskError: odd box, block size that does not divide it, or masks that keep nothing.
        """
        if box_size % 2:
            raise MaskError(f"the box of {box_size} px is odd: crop the images to an even box")
        if self.per_particle:
            return self.several(box_size, [(self.seed, int(i)) for i in numbers])
        if self._shared is None or self._shared.box_size != box_size:
            self._shared = self.one(box_size, self.seed)
        return self._shared


class OperatorDesign(DrawnDesign):
    """Any operator.

    Args:
        make: its class, or a function, called as ``make(box_size, compression, seed=seed)``.
        name: by which it stands in tables.
    """

    def __init__(
        self, make: MakeOperator, name: str, compression: float = 2.5, per_particle: bool = False, seed: int = 0
    ) -> None:
        super().__init__(compression, per_particle, seed)
        self.make, self.domain = make, name

    def one(self, box_size: int, seed: Seed) -> LinearOperator:
        return self.make(box_size, self.compression, seed=seed)

    def several(self, box_size: int, seeds: Sequence[Seed]) -> LinearOperator:
        return Each(self.one(box_size, seed) for seed in seeds)


class MaskDesign(DrawnDesign):
    """A mask family."""

    @abstractmethod
    def draw(self, box_size: int, seed: Seed) -> Tensor:
        """-> one mask set."""

    @abstractmethod
    def build(self, masks: Tensor) -> LinearOperator:
        """-> the operator of one mask set, or of a stack of them."""

    def one(self, box_size: int, seed: Seed) -> LinearOperator:
        return self.build(self.draw(box_size, seed))

    def several(self, box_size: int, seeds: Sequence[Seed]) -> LinearOperator:
        return self.build(torch.stack([self.draw(box_size, seed) for seed in seeds]))


class PixelDesign(MaskDesign):
    """Masked sums over blocks; ``compression`` sets the number of masks, round(K^2 / C).

    Args:
        masks: pixel-domain family.
        block_size: K in pixels.
        compression, per_particle, seed: see :class:`DrawnDesign`.
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

    def draw(self, box_size: int, seed: Seed) -> Tensor:
        return self.masks(box_size, self.count, seed=seed)

    def build(self, masks: Tensor) -> PixelMasking:
        return PixelMasking(masks, self.block_size)


class FourierDesign(MaskDesign):
    """Kept Fourier coefficients; ``compression`` sets the kept fraction, 1 / C.

    Args:
        masks: Fourier-domain family.
        symmetric: keep both of each Friedel pair or neither, and always DC; false is the paper's convention.
        compression, per_particle, seed: see :class:`DrawnDesign`.
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

    def draw(self, box_size: int, seed: Seed) -> Tensor:
        return self.masks(box_size, 1 / self.compression, symmetric=self.symmetric, seed=seed)

    def build(self, masks: Tensor) -> FourierSampling:
        return FourierSampling(masks)
