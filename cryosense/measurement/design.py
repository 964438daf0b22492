"""Which operator measures which particle: one for all, or one drawn for each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from cryosense.operators.base import LinearOperator
from cryosense.operators.each import Each
from cryosense.operators.masks import MaskError, Seed


class MakeOperator(Protocol):
    """An operator's class, or a function that makes one."""

    def __call__(self, box_size: int, compression: float, *, seed: Seed) -> LinearOperator: ...


class Design(ABC):
    """Which operator measures which particle.

    Attributes:
        domain, family, block_size, symmetric: how it is described in tables.
        per_particle: whether each particle has its own masks.
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
        """Numbers in an image over the numbers that the masks claim to keep."""

    @abstractmethod
    def operator(self, box_size: int, numbers: Tensor) -> LinearOperator:
        """Return the operator for particles with these numbers (b,), the same for all or with one mask set for each."""


class DrawnDesign(Design):
    """Randomly drawn operators: one for all particles, or one for each.

    Args:
        compression: nominal compression, at least 1.
        per_particle: draw masks for each particle, keyed by seed and particle number, instead of one set for all.
        seed: seed of the draws.

    Raises:
        MaskError: a compression below 1.
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
    def at(self, compression: float) -> DrawnDesign:
        """Return the design with the same seed and another compression: most families then measure a part, or more."""

    @abstractmethod
    def one(self, box_size: int, seed: Seed) -> LinearOperator:
        """Return an operator for any images."""

    @abstractmethod
    def several(self, box_size: int, seeds: Sequence[Seed]) -> LinearOperator:
        """Return an operator with one mask set for each seed."""

    def operator(self, box_size: int, numbers: Tensor) -> LinearOperator:
        """Return the operator for these particles (b,): drawn once for all of them, unless ``per_particle``.

        Raises:
            MaskError: an odd box, a block size that does not divide it, or masks that keep nothing.
        """
        if box_size % 2:
            raise MaskError(f"the box of {box_size} px is odd: crop the images to an even box")
        if self.per_particle:
            return self.several(box_size, [(self.seed, int(i)) for i in numbers])
        if self._shared is None or self._shared.box_size != box_size:
            self._shared = self.one(box_size, self.seed)
        return self._shared


class OperatorDesign(DrawnDesign):
    """A design from any operator; ``DrawnDesign`` explains the other arguments.

    Args:
        make: its class, or a function, called as ``make(box_size, compression, seed=seed)``.
        name: its name in tables.
    """

    def __init__(
        self, make: MakeOperator, name: str, compression: float = 2.5, per_particle: bool = False, seed: int = 0
    ) -> None:
        super().__init__(compression, per_particle, seed)
        self.make, self.domain = make, name

    def at(self, compression: float) -> OperatorDesign:
        return OperatorDesign(self.make, self.domain, compression, self.per_particle, self.seed)

    def one(self, box_size: int, seed: Seed) -> LinearOperator:
        return self.make(box_size, self.compression, seed=seed)

    def several(self, box_size: int, seeds: Sequence[Seed]) -> LinearOperator:
        return Each(self.one(box_size, seed) for seed in seeds)
