"""What a run works on: particle images and, where they are known, the same images without noise, or of half the frames."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from torch import Tensor

from cryosense.errors import ParticleDataError

from .geometry import Geometry
from .opening import Metadata
from .stack import ParticleStack


@dataclass(frozen=True)
class ParticleSource:
    """Particle images (n of one box) and, or None, the clean images of the same particles in the same order.

    ``whole``: all images of the stack, if these are only some of them. ``halves``: the same particles from either half of
    their frames, see ``open_with_halves``.
    """

    name: str
    images: ParticleStack
    clean: ParticleStack | None
    whole: ParticleStack | None = None
    halves: tuple[ParticleStack, ParticleStack] | None = None

    @classmethod
    def open(
        cls,
        path: str | Path,
        metadata: Metadata | None,
        clean_path: str | Path | None,
        root: str | Path | None,
        pixel_size_angstrom: float | None,
        name: str | None,
    ) -> Self:
        """Open a stack as ``ParticleStack.open`` does, with its clean images; ``name`` defaults to the file's.

        Raises:
            ParticleDataError: clean images of another number or another box, and whatever the stack refuses.
        """
        images = ParticleStack.open(path, metadata, root=root, pixel_size_angstrom=pixel_size_angstrom)
        clean = None if clean_path is None else ParticleStack.open(clean_path, root=root)
        if clean is not None and (len(clean), clean.box_size) != (len(images), images.box_size):
            raise ParticleDataError(
                f"{clean_path}: {len(clean)} clean images of {clean.box_size} px for {len(images)} of {images.box_size} px "
                f"in {path}; clean_path must hold the same particles in the same order"
            )
        return cls(name or Path(path).stem, images, clean)

    def transformed(self, geometry: Geometry) -> ParticleSource:
        """Return the source after cropping."""
        return self._each(lambda stack: stack.transformed(geometry), None)

    def select(self, indices: Tensor) -> ParticleSource:
        """Return the source of the particles with these numbers (m,)."""
        selected = self._each(lambda stack: stack.select(indices), self.whole or self.images)
        if "data_fingerprint" in vars(self):  # it is the same and need not be computed again
            vars(selected)["data_fingerprint"] = self.data_fingerprint
        return selected

    def _each(self, view: Callable[[ParticleStack], ParticleStack], whole: ParticleStack | None) -> ParticleSource:
        clean = None if self.clean is None else view(self.clean)
        halves = None if self.halves is None else (view(self.halves[0]), view(self.halves[1]))
        return ParticleSource(self.name, view(self.images), clean, whole, halves)

    @property
    def files(self) -> list[Path]:
        """Files that are read, including those of the clean images and of halves."""
        others = [stack for stack in (self.clean, *(self.halves or ())) if stack is not None]
        return [file for stack in (self.images, *others) for file in stack.files]

    def numbers(self, rows: Tensor) -> Tensor:
        """Return the numbers (m,) by which draws for the particles at these positions (m,) are keyed."""
        return rows

    @property
    def originals(self) -> bool:
        """Whether ``images`` are what was recorded, and not what is left of a measurement."""
        return True

    def fingerprint(self) -> str:
        """Return a digest of number, box and some of the images, so that no run is resumed on other data of the same name."""
        return _digest(self.images)

    @cached_property
    def data_fingerprint(self) -> str:
        """The fingerprint of the whole stack, whichever of its particles these are: tells data of one name apart."""
        return _digest(self.whole or self.images)


def _digest(images: ParticleStack) -> str:
    digest = hashlib.sha256(f"{len(images)} {images.box_size}".encode())
    for index in sorted({0, len(images) // 2, len(images) - 1}):
        digest.update(images[index].numpy().tobytes())
    return digest.hexdigest()[:16]
