"""From a particle stack to half maps, full map and FSC: streamed in portions, continued where it was interrupted."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import torch

from cryosense.data import Geometry, ParticleDataError, ParticleSource, ParticleStack, usable_particles
from cryosense.errors import ArgumentError
from cryosense.files.writing import write_json_atomic
from cryosense.measurement import Design, acquire
from cryosense.runs.provenance import begin_session, end_session, gather_sessions
from cryosense.runs.record import open_run, shard_directory
from cryosense.tasks.maps.alignments import Alignments
from cryosense.tasks.maps.assessment import Assessment, Reconstruction
from cryosense.tasks.maps.files import write_maps
from cryosense.tasks.maps.half_sums import HalfSums
from cryosense.volumes.symmetry import point_group
from cryosense.volumes.views import view_directions


@dataclass(frozen=True)
class Backprojection:
    """All that a back-projection is made of.

    Attributes:
        source: particle images with their metadata.
        geometry: what is done to the images first.
        design: the masks through which each particle is taken to be measured: nothing else of it is used. None: all of it.
        symmetry: point group, Cn or Dn, imposed on the map.
        ctf_correction: false for particles whose CTF is corrected already, or that have none.
        pad_factor: see :class:`SliceAccumulator`.
        regularisation: see :meth:`SliceAccumulator.volume`.
        skip_bad: leave out particles that are constant or not finite, instead of stopping.
        shard_index, shard_count: this process takes the ``shard_index``-th part of the particles; the one that finds all
            other parts done makes the maps.
        chunk_size: particles in memory at once.
        checkpoint_particles: the sums are written to disk whenever so many more are in them.

    Raises:
        ArgumentError: a value out of range, named in the message.
    """

    source: ParticleSource
    geometry: Geometry
    design: Design | None
    symmetry: str
    ctf_correction: bool
    pad_factor: int
    regularisation: float
    assessment: Assessment
    skip_bad: bool
    shard_index: int
    shard_count: int
    chunk_size: int
    checkpoint_particles: int
    images: ParticleStack = field(init=False)
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
        if not 0 <= self.shard_index < self.shard_count:
            raise ArgumentError(f"shard.index={self.shard_index} of shard.count={self.shard_count}: shards are counted from 0")
        object.__setattr__(self, "images", self.source.images.transformed(self.geometry))
        object.__setattr__(self, "operations", point_group(self.symmetry))

    @cached_property
    def alignments(self) -> Alignments:
        """-> poses, optics and half sets. Raises ParticleDataError where they cannot be used."""
        return Alignments.of(self.images, with_ctf=self.ctf_correction)

    def run(self, directory: Path, config: str, progress: Callable[[int], object]) -> bool:
        """Do what is still to do, nothing if it is done. -> whether the maps are there, or other shards are missing.

        Writes ``config.yaml`` (``config``, what identifies the run) first; ``provenance.json``, of a shard in
        ``shards/<shard>``; ``sums/<shard>.pt`` while it works; then what :func:`write_maps` writes; last ``done.json``, and
        removes the sums. ``progress`` is called with the number of particles done since its last call.

        Raises:
            ArgumentError: input that cannot be used, before any work; a directory of another configuration or of other data.
        """
        alignments = self.alignments
        self._check_masks()
        half_sets = alignments.half_sets()
        self.assessment.check(alignments.box_size, alignments.pixel_size_angstrom, alignments.half_set, half_sets)
        identity = f"{self.source.fingerprint()} {alignments.fingerprint()}"
        if (directory / "done.json").is_file():
            open_run(directory, config, identity)
            return True
        usable = usable_particles(self.images, self.chunk_size, self.skip_bad)
        open_run(directory, config, identity)
        parts = [shard_directory(directory, index, self.shard_count) for index in range(self.shard_count)]
        record = parts[self.shard_index] if self.shard_count > 1 else directory
        record.mkdir(parents=True, exist_ok=True)
        begin_session(record)
        made = self._made(directory, alignments, usable, half_sets, progress)
        if made is None:
            end_session(record)
            return (directory / "done.json").is_file()
        summary = write_maps(directory, made, self.assessment.judge(made))
        end_session(record)
        gather_sessions(directory, parts)
        write_json_atomic(directory / "done.json", summary)
        shutil.rmtree(directory / "sums", ignore_errors=True)
        return True

    def _made(
        self,
        directory: Path,
        alignments: Alignments,
        usable: torch.Tensor,
        half_sets: str,
        progress: Callable[[int], object],
    ) -> Reconstruction | None:
        """-> the maps of all particles, or None where other shards are missing."""
        sums = self._stream(directory, alignments, usable, progress)
        if not self._add_other_shards(directory, sums):
            return None
        views = view_directions(alignments.rotations(usable), self.operations)
        return Reconstruction.of(sums, self.regularisation, alignments.pixel_size_angstrom, views, half_sets)

    def _add_other_shards(self, directory: Path, sums: HalfSums) -> bool:
        """Add what the other shards left on disk. -> whether all of it was there.

        Two shards that end together both find everything, and make the same maps; the one that is later may find the sums
        removed by the other, who does that only after ``done.json`` is there.
        """
        others = [self._complete(directory, index) for index in range(self.shard_count) if index != self.shard_index]
        if not all(path.is_file() for path in others):
            return False
        for path in others:
            other = HalfSums(sums.box_size, self.pad_factor, self.assessment.bootstrap.groups_in_use)
            try:
                other.load(path)
            except FileNotFoundError:
                return False
            sums.add(other)
        return True

    def _check_masks(self) -> None:
        if self.design is not None:
            self.alignments.optics.refuse_masks(self.images.path)
            self.design.operator(self.images.box_size, torch.zeros(1, dtype=torch.int64))

    def _complete(self, directory: Path, index: int) -> Path:
        return directory / "sums" / f"shard_{index:03d}_of_{self.shard_count:03d}.pt"

    def _stream(
        self, directory: Path, alignments: Alignments, usable: torch.Tensor, progress: Callable[[int], object]
    ) -> HalfSums:
        """-> the sums of this shard, which are on disk as well where there are others."""
        if len(usable) < self.shard_count:
            raise ParticleDataError(f"shard.count={self.shard_count} for {len(usable)} particles: each needs at least one")
        numbers = usable.tensor_split(self.shard_count)[self.shard_index]
        sums = HalfSums(alignments.box_size, self.pad_factor, self.assessment.bootstrap.groups_in_use)
        complete = self._complete(directory, self.shard_index)
        unfinished = complete.with_suffix(".unfinished.pt")
        saved = next((path for path in (complete, unfinished) if path.is_file()), None)
        if saved is not None:
            sums.load(saved)
        start = at_checkpoint = int(sums.particles.sum())
        progress(start)
        for first in range(start, len(numbers), self.chunk_size):
            chunk = numbers[first : first + self.chunk_size]
            self._insert(sums, alignments, chunk)
            progress(len(chunk))
            if first + len(chunk) - at_checkpoint >= self.checkpoint_particles:
                sums.save(unfinished)
                at_checkpoint = first + len(chunk)
        if saved != complete and self.shard_count > 1:
            sums.save(complete)
            unfinished.unlink(missing_ok=True)
        return sums

    @torch.no_grad()
    def _insert(self, sums: HalfSums, alignments: Alignments, numbers: torch.Tensor) -> None:
        """Read the particles ``numbers`` (b,) and add them to their half sets."""
        images, rank, shares = self.images[numbers], torch.tensor([alignments.box_size**2]), None
        if self.design is not None:
            measurement = acquire(images, numbers, self.design)
            operator = measurement.operator
            images = operator.pinv(measurement.y)  # what is measured, and zero elsewhere
            rank, shares = operator.rank, operator.measured_shares
        terms = alignments.slices(images[:, 0], numbers, shares)
        group = self.assessment.bootstrap.group_of(numbers)
        half_set = alignments.half_set[numbers]
        sums.insert(terms, alignments.rotations(numbers), half_set, group, rank, self.operations)
