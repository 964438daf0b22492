"""What back-projection needs from a stack's metadata: poses, optics and half sets, checked before any work."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor

from cryosense.data import ParticleDataError, ParticleStack
from cryosense.data.radians import POSE, radians_among
from cryosense.data.ranges import check_origins, check_ranges
from cryosense.data.tables import Tables
from cryosense.data.unused import unused_columns
from cryosense.measurement.optics import ParticleOptics
from cryosense.measurement.optics_columns import USED_WITH_CTF, USED_WITHOUT_CTF
from cryosense.tasks.maps.half_sets import HalfSets
from cryosense.tasks.maps.slices import slices_through
from cryosense.volumes.backproject import Slices
from cryosense.volumes.poses import rotation_matrices

ORIGINS = ["rlnOriginXAngst", "rlnOriginYAngst"]
ORIGINS_IN_PIXELS = ["rlnOriginX", "rlnOriginY"]


@dataclass(frozen=True)
class Alignments:
    """Euler angles (n, 3), origins (n, 2) in Angstrom, half set 0 or 1 (n,) and optics of n particles, and notes.

    ``notes`` are lines for the user: which columns are not used, half sets that share noise, and
    angles that may be in radians.
    """

    angles_deg: Tensor
    origins_angstrom: Tensor
    half_set: Tensor
    optics: ParticleOptics
    box_size: int
    pixel_size_angstrom: float
    notes: tuple[str, ...]

    @classmethod
    def of(cls, stack: ParticleStack, *, with_ctf: bool, with_poses: bool = True) -> Self:
        """Read them from RELION's columns. Origins missing in a file are zero, as are all poses unless ``with_poses``.

        Half sets: see ``HalfSets``.

        Raises:
            ParticleDataError: columns that are missing, hold no numbers or some that no microscope has, or leave a half set
                empty; no pixel size, or two.
        """
        tables, pixel_size = stack.tables, stack.pixel_size_angstrom
        if pixel_size is None:
            raise ParticleDataError(f"{stack.path}: no pixel size: give pixel_size_angstrom")
        stack.check_pixel_size()
        half_sets = HalfSets.of_stack(stack)
        unused = unused_columns(tables, USED_WITH_CTF if with_ctf else USED_WITHOUT_CTF)
        unused += _other_origins(tables, pixel_size) if with_poses else []
        count = len(tables.particles)
        return cls(
            angles_deg=_angles(tables) if with_poses else torch.zeros(count, 3, dtype=torch.float64),
            origins_angstrom=read_origins(stack, pixel_size) if with_poses else torch.zeros(count, 2, dtype=torch.float64),
            half_set=half_sets.of,
            optics=ParticleOptics.of(tables, pixel_size, with_ctf=with_ctf),
            box_size=stack.box_size,
            pixel_size_angstrom=pixel_size,
            notes=((f"not used: {', '.join(unused)}",) if unused else ())
            + half_sets.warnings
            + (tuple(radians_among(tables, POSE)) if with_poses else ()),
        )

    def rotations(self, rows: Tensor) -> Tensor:
        """Return image-to-map rotations, (b, 3, 3) float32, of the particles at positions (b,)."""
        return rotation_matrices(self.angles_deg[rows]).float()

    def ctf(self, rows: Tensor, device: torch.device | None = None) -> Tensor | None:
        """Return the CTF, (b, n, n // 2 + 1) float32, of the particles at positions (b,); None where none is corrected."""
        return self.optics.ctf(rows, self.box_size, self.pixel_size_angstrom, device)

    def restored(self, images: Tensor, rows: Tensor) -> Tensor:
        """Return images (b, n, n) of the particles at ``rows`` (b,) as by an ideal lens; see ``ParticleOptics.restored``."""
        return self.optics.restored(images, rows, self.pixel_size_angstrom)

    def slices(self, images: Tensor, rows: Tensor, shares: Tensor | None) -> Slices:
        """Return what images (b, n, n) of the particles at ``rows`` (b,) add to a map; ``shares`` as in ``slices``."""
        origins = self.origins_angstrom[rows].float().to(images.device)
        return slices_through(self.optics, images, rows, origins, shares, self.pixel_size_angstrom)

    def fingerprint(self) -> str:
        """Return a digest of all of it, so that no run is resumed with other poses in a file of the same name."""
        digest = hashlib.sha256(f"{self.box_size} {self.pixel_size_angstrom}".encode())
        for values in (self.angles_deg, self.origins_angstrom, self.half_set):
            digest.update(values.numpy().tobytes())
        digest.update(self.optics.digest())
        return digest.hexdigest()[:16]

    def half_sets(self) -> str:
        """Return a digest of which half set each particle is in."""
        return hashlib.sha256(self.half_set.numpy().tobytes()).hexdigest()[:16]


def read_origins(stack: ParticleStack, pixel_size_angstrom: float) -> Tensor:
    """Return origins in Angstrom, (n, 2) float64, zero where a file has none.

    Raises:
        ParticleDataError: one axis without the other, values that are no numbers, or centres outside the image.
    """
    tables = stack.tables
    for names, unit in ((ORIGINS, 1.0), (ORIGINS_IN_PIXELS, pixel_size_angstrom)):
        if any(tables.has(name) for name in names):
            tables.require(names, "the origin is needed along both axes, or along neither")
            origins = unit * tables.numbers(names)
            check_origins(tables, origins, stack.box_size * pixel_size_angstrom)
            return torch.from_numpy(origins)
    return torch.zeros(len(tables.particles), 2, dtype=torch.float64)


def _angles(tables: Tables) -> Tensor:
    tables.require(POSE, "poses are needed, which a refinement writes; give the file that has them as metadata=...")
    angles = tables.numbers(POSE)
    check_ranges(tables, POSE, angles)
    return torch.from_numpy(angles)


def _other_origins(tables: Tables, pixel_size_angstrom: float) -> list[str]:
    """Return the columns of origins in pixels that say something else than those in Angstrom, which are used."""
    both = [pair for pair in zip(ORIGINS_IN_PIXELS, ORIGINS, strict=True) if all(tables.has(name) for name in pair)]
    values = {pixels: tables.numbers([pixels, angstrom]) * [pixel_size_angstrom, 1.0] for pixels, angstrom in both}
    return [name for name, pair in values.items() if np.abs(np.diff(pair)).max(initial=0) > 0.01 * pixel_size_angstrom]
