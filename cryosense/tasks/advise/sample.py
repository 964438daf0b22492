"""A sample of the particles: its maps as they are, and after they were measured to a file and decoded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from cryosense.data import AsIs, Compose, ParticleDataError, ParticleSource, StackStatistics
from cryosense.errors import ArgumentError
from cryosense.fourier import centred_to_half_plane, shell_index
from cryosense.measurement import Design, Full, Identity, NoNoise
from cryosense.measurement.file import SUFFIX, MeasurementFile
from cryosense.measurement.quantisers import StoredQuantiser, Uniform
from cryosense.metrics import HalfMapCurves, half_map_curves
from cryosense.runs import identity
from cryosense.runs.shards import Sharding
from cryosense.tasks.advise.prediction import Overhead
from cryosense.tasks.advise.schemes import table_bytes
from cryosense.tasks.maps.anisotropy import Cones
from cryosense.tasks.maps.assessment import Assessment
from cryosense.tasks.maps.backprojection import Backprojection
from cryosense.tasks.maps.uncertainty import Bootstrap
from cryosense.tasks.measure.measuring import Measuring
from cryosense.volumes.symmetry import point_group

CTFS, QUANTILES, CHUNK, PART = 200, 16, 64, 1024
SMALL, LARGE = 256, 1024  # particles of the files that overhead is told from
LEAST = Uniform(last_shell=0)
LENGTH_BYTES = 1.0  # of each particle, where these are not all alike
Progress = Callable[[int], object]


@dataclass(frozen=True)
class Mapping:
    """How a sample is back-projected, and what is made of its half maps.

    Attributes:
        symmetry, ctf_correction, pad_factor, regularisation: see ``Backprojection``.
        soft_mask: ``(volume, pixel_size_angstrom) -> mask``, made from the map without compression.
        randomise_below, seed: see ``cryosense.metrics.half_map_curves``.
    """

    soft_mask: Callable[[Tensor, float], Tensor]
    symmetry: str = "C1"
    ctf_correction: bool = True
    pad_factor: int = 2
    regularisation: float = 1.0
    randomise_below: float = 0.8
    seed: int = 0

    @property
    def views(self) -> int:
        """Rotations of the point group."""
        return len(point_group(self.symmetry))

    def task(self, source: ParticleSource) -> Backprojection:
        """Return the back-projection of these particles as they are, or as their file has them."""
        nothing = (None, None, None, None)
        judged = Assessment(
            self.soft_mask, self.randomise_below, self.seed, Bootstrap(0, 2, 0.95, 0), Cones(1, 90.0), *nothing
        )
        return Backprojection(
            source=source,
            geometry=Compose([]),
            design=None,
            quantiser=Identity(),
            scaling=AsIs(),
            symmetry=self.symmetry,
            ctf_correction=self.ctf_correction,
            pad_factor=self.pad_factor,
            regularisation=self.regularisation,
            assessment=judged,
            chunk_size=CHUNK,
            checkpoint_particles=len(source.images) + 1,  # none
        )

    def halves(self, source: ParticleSource, scratch: Path, progress: Progress) -> tuple[Tensor, Tensor, Tensor]:
        """Return half maps and full map (n, n, n) of all particles of a source."""
        task = self.task(source)
        alignments, numbers = task.check(), torch.arange(len(source.images))
        made = task.maps(task.accumulate(scratch, alignments, numbers, progress), alignments, numbers)
        return *made.halves, made.full_map

    def curves(self, halves: tuple[Tensor, Tensor], mask: Tensor) -> HalfMapCurves:
        """Return the FSC curves of two half maps (n, n, n) inside a soft mask."""
        return half_map_curves(*halves, mask, randomise_below=self.randomise_below, seed=self.seed)


@dataclass(frozen=True)
class Sample:
    """Particles that are looked at.

    Attributes:
        source: their images.
        numbers: (m,) which they are in the stack.
        mean, deviation: of all their pixels.
        fingerprint: of the stack.
    """

    source: ParticleSource
    numbers: Tensor
    mean: float
    deviation: float
    fingerprint: str

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def pixel_size_angstrom(self) -> float:
        """Of their images. Raises ParticleDataError where it is not known."""
        size = self.source.images.pixel_size_angstrom
        if size is None:
            raise ParticleDataError(f"{self.source.images.path}: no pixel size: give pixel_size_angstrom")
        return size

    def measured(
        self, quantiser: StoredQuantiser, path: Path, count: int, progress: Progress, design: Design | None = None
    ) -> MeasurementFile:
        """Return the first ``count`` particles as a file, ``*.cryo.h5``; without a design all of their coefficients."""
        some = torch.arange(min(count, len(self)))  # by these numbers, too: others would take bytes in the file
        Measuring(
            source=self.source.select(some),
            particles=some,
            scaling=StackStatistics(4.0).fit_to(self.mean, self.deviation),
            design=design or Full(),
            noise=NoNoise(),
            quantiser=quantiser,
            provenance={},
            part_particles=PART,
            sharding=Sharding(),
            chunk_size=CHUNK,
            files={},
        ).run(path, identity.Identity(path.name, self.fingerprint, ""), None, progress)
        return MeasurementFile.open(path)

    def overhead(self, scratch: Path) -> Overhead:
        """Return bytes beside the levels, from two files of next to no levels."""
        sizes = {}
        for count in sorted({min(SMALL, max(len(self) // 2, 1)), min(LARGE, len(self))}):
            path = scratch / f"overhead{count}{SUFFIX}"
            file = self.measured(LEAST, path, count, lambda done: None)
            sizes[len(file)] = path.stat().st_size - float(file.level_bytes.sum()) * 0.5  # words that are half full
        (few, small), (many, large) = min(sizes.items()), max(sizes.items())
        each = (large - small) / (many - few) if many > few else small / few
        return Overhead(each + LENGTH_BYTES, max(large - each * many - table_bytes(LEAST), 0.0))

    def ctf(self, mapping: Mapping) -> Tensor:
        """Return values (n // 2 + 1, m) that stand for those of the first particles by shell; ones where none is corrected."""
        n = self.source.images.box_size
        planes = mapping.task(self.source).alignments.ctf(torch.arange(min(CTFS, len(self))))
        if planes is None:
            return torch.ones(n // 2 + 1, 1)
        shells = centred_to_half_plane(shell_index(n))
        ends = (torch.arange(QUANTILES) + 0.5) / QUANTILES
        return torch.stack([_quantiles(planes[:, shells == shell].abs(), ends) for shell in range(n // 2 + 1)])


def spread_over(half_set: Tensor, wanted: int | None) -> Tensor:
    """Return numbers of so many particles, spread evenly over a stack and over its half sets (n,), 0 or 1; None: all.

    Every second particle of a stack whose half sets take turns would be in one of them.

    Raises:
        ArgumentError: fewer than one of each.
    """
    count = len(half_set)
    if wanted is None or wanted >= count:
        return torch.arange(count)
    if wanted < 2:
        raise ArgumentError(f"sample={wanted}: give at least 2, one of each half set, or null for all")
    first, second = ((half_set == each).nonzero()[:, 0] for each in (0, 1))
    of_first = min(max(round(wanted * len(first) / count), wanted - len(second), 1), len(first), wanted - 1)
    return torch.cat([_spread(first, of_first), _spread(second, wanted - of_first)]).sort().values


def _spread(numbers: Tensor, wanted: int) -> Tensor:
    return numbers[torch.arange(wanted) * len(numbers) // max(wanted, 1)]


def _quantiles(values: Tensor, ends: Tensor) -> Tensor:
    ordered = values.flatten().sort().values
    return ordered[(ends * len(ordered)).long()]
