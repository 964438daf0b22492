"""From a particle stack to half maps, full map and FSC: streamed in portions, continued where it was interrupted."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch

from cryosense.data import Geometry, ParticleDataError, ParticleSource, ParticleStack, usable_particles
from cryosense.operators.design import Design, FourierDesign
from cryosense.results.alignments import Alignments
from cryosense.results.half_sums import HalfSums
from cryosense.results.maps import Assessment, write_maps
from cryosense.results.record import open_run
from cryosense.results.rows import write_json_atomic
from cryosense.volumes.backproject import slices
from cryosense.volumes.symmetry import point_group


@dataclass(frozen=True)
class Backprojection:
    """All that a back-projection is made of.

    Attributes:
        source: particle images with their metadata.
        geometry: what is done to the images first.
        design: the Fourier masks through which each particle is taken to be measured: no other coefficient is used. None: all.
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
        ValueError: a value out of range, named in the message; masks in the pixel domain.
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
                raise ValueError(f"{rule}, not {getattr(self, rule.split()[0])}")
        if not 0 <= self.shard_index < self.shard_count:
            raise ValueError(f"shard.index={self.shard_index} of shard.count={self.shard_count}: shards are counted from 0")
        if self.design is not None and not isinstance(self.design, FourierDesign):
            raise ValueError(
                "operator: only Fourier masks say which coefficients were measured; for others, reconstruct the images first "
                "and back-project those"
            )
        object.__setattr__(self, "images", self.source.images.transformed(self.geometry))
        object.__setattr__(self, "operations", point_group(self.symmetry))

    def run(self, directory: Path, config: str, progress: Callable[[int], object]) -> bool:
        """Do what is still to do, nothing if it is done. -> whether the maps are there, or other shards are missing.

        Writes ``config.yaml`` (``config``, what identifies the run) first; ``sums/<shard>.pt`` while it works, which stay
        where there are several shards; then what :func:`write_maps` writes; last ``done.json``. ``progress`` is called with
        the number of particles done since its last call.

        Raises:
            ValueError: input that cannot be used, before any work; a directory of another configuration or of other data.
        """
        alignments = Alignments.of(self.images, with_ctf=self.ctf_correction)
        self._check_masks()
        self.assessment.check(alignments.box_size, alignments.pixel_size_angstrom)
        identity = f"{self.source.fingerprint()} {alignments.fingerprint()}"
        if (directory / "done.json").is_file():
            open_run(directory, config, identity)
            return True
        usable = usable_particles(self.images, self.chunk_size, self.skip_bad)
        open_run(directory, config, identity)
        sums = self._stream(directory, alignments, usable, progress)
        missing = [index for index in range(self.shard_count) if not self._complete(directory, index).is_file()]
        if missing:
            return False
        for index in set(range(self.shard_count)) - {self.shard_index}:
            other = HalfSums(alignments.box_size, self.pad_factor)
            other.load(self._complete(directory, index))
            sums.add(other)
        summary = write_maps(directory, sums, self.regularisation, self.assessment, alignments.pixel_size_angstrom)
        write_json_atomic(directory / "done.json", summary)
        if self.shard_count == 1:
            shutil.rmtree(directory / "sums")
        return True

    def _check_masks(self) -> None:
        if self.design is not None:
            self.design.operator(self.images.box_size, torch.zeros(1, dtype=torch.int64))

    def _complete(self, directory: Path, index: int) -> Path:
        return directory / "sums" / f"shard_{index:03d}_of_{self.shard_count:03d}.pt"

    def _stream(
        self, directory: Path, alignments: Alignments, usable: torch.Tensor, progress: Callable[[int], object]
    ) -> HalfSums:
        """-> the sums of this shard, which are on disk as well."""
        if len(usable) < self.shard_count:
            raise ParticleDataError(f"shard.count={self.shard_count} for {len(usable)} particles: each needs at least one")
        numbers = usable.tensor_split(self.shard_count)[self.shard_index]
        sums = HalfSums(alignments.box_size, self.pad_factor)
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
        if saved != complete:
            sums.save(complete)
        unfinished.unlink(missing_ok=True)
        return sums

    @torch.no_grad()
    def _insert(self, sums: HalfSums, alignments: Alignments, numbers: torch.Tensor) -> None:
        """Read the particles ``numbers`` (b,) and add them to their half sets."""
        images = self.images[numbers][:, 0]
        operator = None if self.design is None else self.design.operator(alignments.box_size, numbers)
        terms = slices(
            images,
            alignments.origins_angstrom[numbers].float(),
            alignments.ctf(numbers),
            None if operator is None else operator.masks,
            alignments.pixel_size_angstrom,
        )
        rank = torch.tensor([alignments.box_size**2]) if operator is None else operator.rank
        sums.insert(terms, alignments.rotations(numbers), alignments.half_set[numbers], rank, self.operations)
