"""From a particle stack to half maps, full map and FSC: streamed in portions, resumed where it was interrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import torch

from cryosense.data import Geometry, ParticleSource, ParticleStack, Scaling
from cryosense.errors import ArgumentError
from cryosense.measurement import Design, Quantiser
from cryosense.measurement.file import MeasuredSource
from cryosense.runs.devices import device_named
from cryosense.runs.record import Kind
from cryosense.tasks.maps.alignments import Alignments
from cryosense.tasks.maps.assessment import Assessment, Reconstruction
from cryosense.tasks.maps.half_sums import HalfSums
from cryosense.tasks.maps.particles import Contribution, MeasuredParticles
from cryosense.volumes.symmetry import point_group
from cryosense.volumes.views import view_directions

SUMS = "sums.pt"
MAPS = ("half1", "half2", "map", "mask")
TABLES = ("fsc.csv", "fsc.star", "resolution.csv", "anisotropy.csv")
BACKPROJECTION = Kind(
    results=(*(f"{name}.mrc" for name in MAPS), *TABLES, "fsc.png", "anisotropy.png"), scratch=(SUMS, ".data")
)
PART = Kind(results=(SUMS,))  # one shard


@dataclass(frozen=True)
class Backprojection:
    """Everything that a back-projection is made of.

    Attributes:
        source: particle images with their metadata.
        geometry: what is done to the images first.
        design, quantiser, scaling: see ``MeasuredParticles``.
        symmetry: point group, Cn or Dn, imposed on the map.
        ctf_correction: false for particles whose CTF is corrected already, or that have none.
        pad_factor: see ``SliceAccumulator``.
        regularisation: see ``SliceAccumulator.volume``.
        chunk_size: particles in memory at once.
        checkpoint_particles: the sums are written to disk each time this many more particles are in them.
        device: where images are measured and added up, see ``device_named``; maps are judged on the CPU.

    Raises:
        ArgumentError: a value out of range, named in the message.
    """

    source: ParticleSource
    geometry: Geometry
    design: Design | None
    quantiser: Quantiser
    scaling: Scaling
    symmetry: str
    ctf_correction: bool
    pad_factor: int
    regularisation: float
    assessment: Assessment
    chunk_size: int
    checkpoint_particles: int
    device: str = "auto"
    images: ParticleStack = field(init=False)
    particles: MeasuredParticles = field(init=False)
    operations: torch.Tensor = field(init=False)

    def __post_init__(self) -> None:
        checks = {
            "regularisation must not be negative": self.regularisation >= 0,
            "pad_factor must be at least 1": self.pad_factor >= 1,
            "chunk_size must be at least 1": self.chunk_size >= 1,
            "checkpoint_particles must be at least 1": self.checkpoint_particles >= 1,
        }
        for rule, held in checks.items():
            if not held:
                raise ArgumentError(f"{rule}, not {getattr(self, rule.split()[0])}")
        source = self.source.transformed(self.geometry)
        object.__setattr__(self, "images", source.images)
        device = device_named(self.device)
        object.__setattr__(self, "particles", MeasuredParticles(source, self.design, self.quantiser, self.scaling, device))
        object.__setattr__(self, "operations", point_group(self.symmetry))

    @cached_property
    def alignments(self) -> Alignments:
        """Poses, optics and half sets. Raises ParticleDataError if they cannot be used."""
        return Alignments.of(self.images, with_ctf=self.ctf_correction)

    def check(self) -> Alignments:
        """Return poses, CTF and half sets. Raises ArgumentError for input that cannot be used; no image is read."""
        alignments = self.alignments
        if self.design is not None or isinstance(self.source, MeasuredSource):
            alignments.optics.refuse_masks(self.images.path)
        self.particles.check()
        half_sets = alignments.half_sets()
        self.assessment.check(alignments.box_size, alignments.pixel_size_angstrom, alignments.half_set, half_sets)
        return alignments

    def accumulate(
        self,
        directory: Path,
        alignments: Alignments,
        numbers: torch.Tensor,
        progress: Callable[[int], object],
        *,
        to_be_added: bool = False,
    ) -> HalfSums:
        """Return the sums of particles ``numbers`` (m,), resumed where ``sums.pt`` in the directory stops.

        They are saved there at every checkpoint and, if they are ``to_be_added`` to others, at the end. ``progress`` is called
        with the number of particles done since its last call.
        """
        path, sums = directory / SUMS, self._sums(alignments)
        if path.is_file():
            sums.load(path)
        done = at_checkpoint = int(sums.particles.sum())
        progress(done)
        chunks = (numbers[first : first + self.chunk_size] for first in range(done, len(numbers), self.chunk_size))
        for chunk, added in self.particles.each(chunks):
            self._insert(sums, alignments, chunk, added)
            progress(len(chunk))
            done += len(chunk)
            if done - at_checkpoint >= self.checkpoint_particles:
                sums.save(path)
                at_checkpoint = done
        if to_be_added and at_checkpoint < len(numbers):
            sums.save(path)
        return sums

    def total(self, directories: Iterable[Path], alignments: Alignments) -> HalfSums:
        """Return the sums of all particles in these directories."""
        total = self._sums(alignments)
        for directory in directories:
            other = self._sums(alignments)
            other.load(directory / SUMS)
            total.add(other)
        return total

    def maps(self, sums: HalfSums, alignments: Alignments, usable: torch.Tensor) -> Reconstruction:
        """Return the maps of the particles ``usable`` (m,), all of which are in the sums."""
        views = view_directions(alignments.rotations(usable), self.operations)
        half_sets = alignments.half_sets()
        return Reconstruction.of(sums, self.regularisation, alignments.pixel_size_angstrom, views, half_sets)

    def _sums(self, alignments: Alignments) -> HalfSums:
        groups = self.assessment.bootstrap.groups_in_use
        return HalfSums(alignments.box_size, self.pad_factor, groups).to(self.particles.device)

    @torch.no_grad()
    def _insert(self, sums: HalfSums, alignments: Alignments, numbers: torch.Tensor, added: Contribution) -> None:
        """Add what the particles ``numbers`` (b,) are to the sums of their half sets."""
        terms = added.weighed(alignments.slices(added.images[:, 0], numbers, added.shares))
        group = self.assessment.bootstrap.group_of(numbers)
        half_set = alignments.half_set[numbers]
        sums.insert(terms, alignments.rotations(numbers), half_set, group, added.rank, self.operations)
