"""How the images of a stack came from their particles: CTF, aberrations, magnification, and what was done to them since."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor

from cryosense import fourier
from cryosense.data import ParticleDataError
from cryosense.data.tables import Tables
from cryosense.errors import ArgumentError
from cryosense.measurement.optics_columns import (
    FLIPPED,
    MAGNIFICATION,
    PREMULTIPLIED,
    read_aberrations,
    read_ctf_columns,
    read_flags,
)
from cryosense.volumes.aberrations import Aberrations
from cryosense.volumes.ctf import CtfParameters, ctf_half_plane
from cryosense.volumes.transfer import Treatment


@dataclass(frozen=True)
class ParticleOptics:
    """Optics of n particles.

    Attributes:
        ctf_columns: (n, 9) float64, the fields of ``CtfParameters`` in order; None where none is corrected.
        treatment: (n,) what was done to the images.
        group: (n,) index of each particle's ``aberrations``.
        aberrations: those of each group.
    """

    ctf_columns: Tensor | None
    treatment: Treatment
    group: Tensor
    aberrations: tuple[Aberrations, ...]

    @classmethod
    def of(cls, tables: Tables, pixel_size_angstrom: float, *, with_ctf: bool) -> Self:
        """Read them from RELION's columns; magnification alone if the CTF is not corrected.

        Raises:
            ParticleDataError: columns that are missing, hold no numbers or some that no microscope has, or contradict each
                other.
        """
        count = len(tables.particles)
        no = torch.zeros(count, dtype=torch.bool)
        if not with_ctf:
            return cls(None, Treatment(no, no), *read_aberrations(tables, np.zeros((count, 2)), with_ctf=False))
        columns = read_ctf_columns(tables, pixel_size_angstrom)
        flipped, premultiplied = (read_flags(tables, name) for name in (FLIPPED, PREMULTIPLIED))
        if bool((flipped & premultiplied).any()):
            raise ParticleDataError(
                f"{tables.path}: {FLIPPED} and {PREMULTIPLIED} are both 1 for some particles: correct the one that is wrong"
            )
        group, aberrations = read_aberrations(tables, columns[:, [3, 4]].numpy(), with_ctf=True)
        return cls(columns, Treatment(flipped, premultiplied), group, aberrations)

    def ctf(
        self, rows: Tensor, box_size: int, pixel_size_angstrom: float, device: torch.device | None = None
    ) -> Tensor | None:
        """Return the CTF, (b, n, n // 2 + 1) float32, of the particles at positions (b,); None where none is corrected."""
        if self.ctf_columns is None:
            return None
        ctf = torch.empty(len(rows), box_size, box_size // 2 + 1, device=device)
        for place, aberrations in self.groups(rows):
            parameters = CtfParameters(*self.ctf_columns[rows[place]].float().to(device).unbind(-1))
            ctf[place] = ctf_half_plane(parameters, box_size, pixel_size_angstrom, aberrations)
        return ctf

    @property
    def magnifies(self) -> bool:
        """Whether images must be undistorted."""
        return any(each.magnifies for each in self.aberrations)

    def transfer(self, rows: Tensor, box_size: int, pixel_size_angstrom: float, device: torch.device | None = None) -> Tensor:
        """Return what is left of each coefficient in recorded images at ``rows`` (b,), (b, n, n // 2 + 1) float32.

        The CTF c, or |c| of phase-flipped images; phases that odd aberrations turned are part of the image.
        """
        ctf = self.ctf(rows, box_size, pixel_size_angstrom, device)
        if ctf is None:
            raise ArgumentError("the optics were read without the CTF")
        flipped = self.treatment.phase_flipped[rows, None, None].to(ctf.device)
        return torch.where(flipped, ctf.abs(), ctf)

    def refuse_treated(self, path: Path) -> None:
        """Raise ParticleDataError for images whose noise followed the CTF, or whose pixels are no squares."""
        if bool(self.treatment.premultiplied.any()):
            raise ParticleDataError(
                f"{path}: {PREMULTIPLIED} is 1: such noise follows the CTF; give images as they were recorded, or set ctf=none"
            )
        if self.magnifies:
            raise ParticleDataError(
                f"{path}: {MAGNIFICATION[0]} ... 11 are not those of square pixels, for which CTFs are meant: set ctf=none"
            )

    def refuse_masks(self, path: Path) -> None:
        """Raise ParticleDataError if masks would have seen other coefficients than those of square pixels."""
        if self.magnifies:
            raise ParticleDataError(
                f"{path}: rlnMagMat00 ... 11 are not those of square pixels: such images cannot be measured through masks"
            )

    def restored(self, images: Tensor, rows: Tensor, pixel_size_angstrom: float) -> Tensor:
        """Return images (b, n, n) at ``rows`` with phase flipping and odd aberrations undone: c F + noise.

        Raises:
            ParticleDataError: premultiplied images, whose noise is not white, or magnification, which moves origins.
        """
        ctf = self.ctf(rows, images.shape[-1], pixel_size_angstrom, images.device)
        if self.magnifies or bool(self.treatment.premultiplied.any()):
            name = MAGNIFICATION[0] if self.magnifies else PREMULTIPLIED
            raise ParticleDataError(f"{name}: poses are found in images as they were recorded, with square pixels: give those")
        if ctf is None or not (bool(self.treatment.phase_flipped.any()) or any(each.turns for each in self.aberrations)):
            return images
        spectra = fourier.centred_half_plane(images)
        for place, aberrations in self.groups(rows):
            flipped = self.treatment.phase_flipped[rows[place], None, None].to(images.device)
            turn = aberrations.turn(images.shape[-1], pixel_size_angstrom).conj().to(spectra)
            spectra[place] *= torch.where(flipped, ctf[place].sign(), 1.0) * turn
        return fourier.from_centred_half_plane(spectra, images.shape[-1])

    def digest(self) -> bytes:
        """Return bytes that differ where any of it does."""
        columns = b"" if self.ctf_columns is None else self.ctf_columns.numpy().tobytes()
        flags = torch.stack([self.treatment.phase_flipped, self.treatment.premultiplied]).numpy().tobytes()
        return columns + flags + self.group.numpy().tobytes() + repr(self.aberrations).encode()

    def groups(self, rows: Tensor) -> list[tuple[Tensor, Aberrations]]:
        """Return positions among ``rows`` and the aberrations at them."""
        group = self.group[rows]
        return [((group == number).nonzero()[:, 0], self.aberrations[number]) for number in group.unique().tolist()]
