"""From particles and a reference map to poses: everything needed, checked before any work, and the poses of some particles."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd
import torch
from torch import Tensor

from cryosense.alignment import Aligner, Calibration, Fineness, Observed
from cryosense.alignment.coefficients import Disc
from cryosense.alignment.reference import Reference
from cryosense.alignment.symmetric import agreement
from cryosense.data import Geometry, ParticleDataError, ParticleSource, ParticleStack, Scaling
from cryosense.errors import ArgumentError
from cryosense.measurement import Design, Identity, Quantiser
from cryosense.measurement.full import Full
from cryosense.metrics import sphere_mask
from cryosense.runs.devices import device_named
from cryosense.tasks.maps.alignments import Alignments
from cryosense.tasks.maps.particles import MeasuredParticles
from cryosense.tasks.maps.references import read_map
from cryosense.tasks.poses.table import pose_columns
from cryosense.volumes.symmetry import point_group

EDGE_SHARE = 16  # the soft edge of the sphere is as wide as the box over this
LEAST_SHELLS = 3
ASYMMETRIC, OFF_AXIS = 0.5, 0.95  # FSC of a reference with itself turned, below which it is refused, and spoken of


@dataclass(frozen=True)
class Alignment:
    """All that poses are found with.

    Attributes:
        source: particle images with their metadata, or a measurement file; poses that they have are not looked at.
        geometry: what is done to the images first.
        design, quantiser, scaling: how each particle is taken to be measured, see ``MeasuredParticles``; no design: all
            of it, and for a quantiser that changes numbers all Hartley coefficients. Of a file: as it says.
        ctf_correction: false for particles without a CTF.
        reference: map of the box and the pixel size of the particles.
        reference_resolution_angstrom: nothing finer is taken of it.
        symmetry: point group of the reference, Cn or Dn, in RELION's setting.
        fineness: of the search.
        calibration_particles: evenly out of the stack, from which the reference's amplitude and the noise are found.
        device: where images are measured and matched, see ``device_named``.

    Raises:
        CryosenseError: a value out of range, named in the message.
    """

    source: ParticleSource
    geometry: Geometry
    design: Design | None
    quantiser: Quantiser
    scaling: Scaling
    ctf_correction: bool
    reference: str
    reference_resolution_angstrom: float
    symmetry: str
    fineness: Fineness
    calibration_particles: int
    device: str = "auto"
    images: ParticleStack = field(init=False)
    there: torch.device = field(init=False)
    particles: MeasuredParticles = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "there", device_named(self.device))
        point_group(self.symmetry)
        checks = {
            "reference_resolution_angstrom must be positive": self.reference_resolution_angstrom > 0,
            "calibration_particles must be at least 2": self.calibration_particles >= 2,
        }
        for rule, held in checks.items():
            if not held:
                raise ArgumentError(f"{rule}, not {getattr(self, rule.split()[0])}")
        source, design = self.source.transformed(self.geometry), self.design
        if design is None and not isinstance(self.quantiser, Identity):
            design = Full()
        object.__setattr__(self, "images", source.images)
        object.__setattr__(self, "particles", MeasuredParticles(source, design, self.quantiser, self.scaling, self.there))

    def check(self) -> Alignments:
        """Return CTF and half sets. Raises CryosenseError for unusable metadata, masks, reference or limit."""
        known = self.known
        self.particles.check()
        if not self.fineness.shift_radius_pixels <= known.box_size / 2:
            raise ArgumentError(
                f"shift_radius_pixels={self.fineness.shift_radius_pixels:g} must be at most {known.box_size // 2}, "
                f"half the box"
            )
        self.limit(self.reference_resolution_angstrom)
        _ = self.symmetry_note  # raises
        known.restored(torch.zeros(1, known.box_size, known.box_size), torch.zeros(1, dtype=torch.int64))
        return known

    @cached_property
    def known(self) -> Alignments:
        """CTF and half sets of the stack. Raises ParticleDataError if they are missing."""
        return Alignments.of(self.images, with_ctf=self.ctf_correction, with_poses=False)

    def limit(self, resolution_angstrom: float) -> int:
        """Return a resolution in Fourier pixels, short of Nyquist. Raises ParticleDataError if fewer than three are left."""
        box_angstrom = self.known.box_size * self.known.pixel_size_angstrom
        pixels = min(int(box_angstrom / resolution_angstrom + 1e-6), self.known.box_size // 2 - 1)
        if pixels < LEAST_SHELLS:
            raise ParticleDataError(
                f"reference_resolution_angstrom={resolution_angstrom:g} leaves {pixels} Fourier pixels in a box of "
                f"{box_angstrom:g} Angstrom, poses need {LEAST_SHELLS}: at most {box_angstrom / LEAST_SHELLS:.4g}"
            )
        return pixels

    def reference_map(self) -> Tensor:
        """Return the reference, (n, n, n) float32, inside a soft sphere that touches the box. Raises ParticleDataError."""
        known = self.known
        return in_sphere(read_map(self.reference, "reference", known.box_size, known.pixel_size_angstrom))

    @cached_property
    def symmetry_note(self) -> str | None:
        """What to say of the reference's symmetry, None if nothing. Raises ParticleDataError if it has another."""
        operations, volume = point_group(self.symmetry), self.reference_map()
        if len(operations) == 1:
            return None
        disc = Disc(len(volume), self.limit(self.reference_resolution_angstrom))
        found = agreement(Reference(volume, disc, self.fineness.pad_factor), operations)
        said = (
            f"{self.reference}: turned by symmetry={self.symmetry} about the middle of its box it agrees with itself "
            f"to an FSC of {found:.2f} only"
        )
        if found < ASYMMETRIC:
            raise ParticleDataError(f"{said}: move its axis there, or give the symmetry that it has, C1 for none")
        if found < OFF_AXIS:
            return f"{said}: is its axis beside the middle? A refinement makes its maps symmetric about the middle"
        return None

    def reference_digest(self) -> str:
        """Return a digest of the reference, so that no run is resumed with another of the same name."""
        return hashlib.sha256(self.reference_map().numpy().tobytes()).hexdigest()[:16]

    def aligner(self, volume: Tensor, resolution_angstrom: float) -> Aligner:
        """Return what matches particles with a map (n, n, n)."""
        return Aligner(volume, self.limit(resolution_angstrom), self.symmetry, self.fineness).to(self.there)

    def calibrate(self, aligner: Aligner, rows: Tensor) -> Calibration:
        """Return amplitude and noise from some particles (m,). Raises CryosenseError if they do not show the reference."""
        count = min(len(rows), self.calibration_particles)
        chosen = rows[torch.linspace(0, len(rows) - 1, count).round().long()]
        return aligner.calibrate(self.observed(aligner, chosen))

    def poses(self, aligner: Aligner, calibration: Calibration, rows: Tensor) -> pd.DataFrame:
        """Return the poses of particles (b,), a row each; see ``pose_columns``."""
        aligned = aligner(self.observed(aligner, rows), calibration)
        columns = pose_columns(aligned, self.known.pixel_size_angstrom)
        return pd.DataFrame({"particle": rows.numpy(), **{name: values.cpu().numpy() for name, values in columns.items()}})

    def observed(self, aligner: Aligner, rows: Tensor) -> Observed:
        """Return what was measured of particles (b,), at the coefficients by which poses are found."""
        added = self.particles.of(rows)
        images = self.known.restored(added.images[:, 0], rows)
        return aligner.disc.observed(images, self.known.ctf(rows, self.there), added.shares)


def in_sphere(volume: Tensor) -> Tensor:
    """Return a volume (n, n, n) float32 without the corners of the box, whose noise is in no particle."""
    edge = volume.shape[-1] / EDGE_SHARE
    mask = sphere_mask(volume, 1.0, radius_angstrom=volume.shape[-1] / 2 - edge, edge_pixels=edge)
    return (volume * mask).float()
