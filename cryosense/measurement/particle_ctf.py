"""The CTFs of a source's particles, as their table states them, for methods that know what they do."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch
from torch import Tensor

from cryosense.data import ParticleSource, ParticleStack
from cryosense.data.unused import unused_columns
from cryosense.errors import ArgumentError, ParticleDataError
from cryosense.measurement.file.decoded import decoded
from cryosense.measurement.file.source import MeasuredSource
from cryosense.measurement.optics import ParticleOptics
from cryosense.measurement.optics_columns import USED_WITH_CTF

DEFOCUS = ("rlnDefocusU", "rlnDefocusV")  # without either, a table says nothing of the CTF
SAME_SCALE = 1e-4  # relative: pixel sizes that programs rounded
CHOICES = ("auto", "none")


@dataclass(frozen=True)
class ParticleCtf:
    """The CTF of each particle of a source, by its number.

    Odd aberrations turn the phases of an image as a whole, and stay in what is reconstructed of it.

    Attributes:
        path: the file that states it.
        optics: of n particles.
        numbers: (n,) their numbers.
        pixel_sizes_angstrom: (n,) float64.
        box_size: of their images.
        unused: names of columns that say something else about the images.
    """

    path: Path
    optics: ParticleOptics
    numbers: Tensor
    pixel_sizes_angstrom: Tensor
    box_size: int
    unused: tuple[str, ...]

    @classmethod
    def of(cls, source: ParticleSource, numbers: Tensor | None = None) -> Self | None:
        """Return the CTFs of particles with these numbers (n,), by default 0, 1, ...; None where no table states any.

        Of a measurement file it is its own table's, unless that of the images, or one in its place, has them.

        Raises:
            ParticleDataError: a CTF of which columns or the pixel size are missing or impossible, and images that were treated
                so that their noise is no longer stationary or their pixels are no squares.
        """
        stack = _stack_with_ctf(source)
        if stack is None:
            return None
        tables, sizes = stack.tables, _pixel_sizes(stack)
        try:
            optics = ParticleOptics.of(tables, float(sizes.min()), with_ctf=True)
        except ParticleDataError as error:
            raise ParticleDataError(str(error).replace("ctf_correction=false", "ctf=none")) from error
        optics.refuse_treated(stack.path)
        numbers = torch.arange(len(sizes)) if numbers is None else numbers
        return cls(stack.path, optics, numbers, sizes, stack.box_size, tuple(unused_columns(tables, USED_WITH_CTF)))

    def __call__(self, numbers: Tensor, device: torch.device | None = None) -> Tensor:
        """Return what images of particles with these numbers (b,) hold of each coefficient, (b, 1, n, n // 2 + 1) float32.

        The CTF c, or |c| where phases were flipped. Raises ArgumentError for other numbers.
        """
        rows = self._rows(numbers.cpu())
        made = torch.empty(len(rows), self.box_size, self.box_size // 2 + 1, device=device)
        for place, size in enumerate(self.pixel_sizes_angstrom[rows].tolist()):
            # One by one: in several, the rounding of an element depends on its place.
            made[place] = self.optics.transfer(rows[place : place + 1], self.box_size, size, device)[0]
        return made[:, None]

    def fingerprint(self) -> str:
        """Return a digest of all of it, so that no run is resumed with other CTFs in a file of the same name."""
        digest = hashlib.sha256(self.optics.digest())
        digest.update(self.pixel_sizes_angstrom.numpy().tobytes() + self.numbers.numpy().tobytes())
        return digest.hexdigest()[:16]

    def said(self) -> str:
        """Return one line for the user."""
        not_used = f"; not used: {', '.join(self.unused)}" if self.unused else ""
        return f"takes images as seen through the CTFs in {self.path} (ctf=none: does not){not_used}"

    def _rows(self, numbers: Tensor) -> Tensor:
        order = self.numbers.argsort()
        known = self.numbers[order]
        place = torch.searchsorted(known, numbers).clamp(max=len(known) - 1)
        if not torch.equal(known[place], numbers):
            raise ArgumentError(f"numbers: {self.path} states no CTF of some particles")
        return order[place]


def check_choice(ctf: str) -> bool:
    """Return whether CTFs are wanted. Raises ArgumentError for another word than auto and none."""
    if ctf not in CHOICES:
        raise ArgumentError(f"ctf={ctf}: give {' or '.join(CHOICES)}")
    return ctf == "auto"


def states_ctf(source: ParticleSource) -> bool:
    """Return whether a table says anything of the particles' CTF."""
    return _stack_with_ctf(source) is not None


def _stack_with_ctf(source: ParticleSource) -> ParticleStack | None:
    stacks = [source.images]
    if isinstance(source, MeasuredSource) and not source.listed:
        stacks.append(decoded(source.file).select(source.positions))
    return next((stack for stack in stacks if any(map(stack.tables.has, DEFOCUS))), None)


def _pixel_sizes(stack: ParticleStack) -> Tensor:
    """Return the pixel size of each particle, (n,) float64. Raises ParticleDataError where one is not known."""
    sizes = stack.pixel_size_range_angstrom
    if sizes is None:
        raise ParticleDataError(f"{stack.path}: has a CTF but no pixel size: give pixel_size_angstrom, or set ctf=none")
    if sizes[1] - sizes[0] <= SAME_SCALE * sizes[0] or not stack.tables.has("rlnImagePixelSize"):
        common = stack.pixel_size_angstrom
        assert common is not None
        return torch.full((len(stack),), common, dtype=torch.float64)
    return torch.from_numpy(stack.tables.numbers(["rlnImagePixelSize"])[:, 0])
