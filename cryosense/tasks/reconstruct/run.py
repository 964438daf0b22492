"""Everything that one run of a reconstruction is made of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from cryosense.data import ParticleSource, Scaling, scaled_like
from cryosense.measurement import FIRST_PORTION, Design, Measurement, Noise, Quantiser, acquire, calibrate
from cryosense.measurement.file import MeasuredSource
from cryosense.measurement.particle_ctf import ParticleCtf
from cryosense.metrics import Scores
from cryosense.reconstructors import Reconstructor
from cryosense.runs.devices import CPU, moved, to_be_moved
from cryosense.tasks.reconstruct.fitting import Fitting, Says


class Read(NamedTuple):
    """Images (b, 1, n, n) of the particles at positions (b,) and their clean ones; None where the files hold none."""

    rows: Tensor
    images: Tensor | None
    clean: Tensor | None


class Measured(NamedTuple):
    """Measurements of b particles; scaled images (b, 1, n, n), None if unknown; offset and gain (b,) of the scaling."""

    measurement: Measurement
    image: Tensor | None
    offset: Tensor
    gain: Tensor


@dataclass(frozen=True)
class Run:
    """All that a run is made of.

    Attributes:
        source: particle images, all that can be used; methods learn from these, whatever the shard.
        particles: (n,) their numbers in the original stack, by which masks, noise and all other draws are keyed.
        shard: positions of the particles that this run reconstructs.
        write_images: write the reconstructed stack, and the per-pixel deviation where the method gives one.
        device: where particles are measured, reconstructed and scored.
        write_samples: write each sample of a method that draws several as a stack of its own.
        relion_root: folder of a RELION project, from which the STAR file names images; see ``naming_folder``.
        says: called with what a method does while it learns, how much of that is done, and of how much.
        ctf: CTFs through which the images were seen, by particle number, for a method that knows them; None for none.
    """

    run_id: str
    source: ParticleSource
    particles: Tensor
    shard: range
    scaling: Scaling
    design: Design
    noise: Noise
    quantiser: Quantiser
    reconstructor: Reconstructor
    fitting: Fitting
    scores: Scores
    seed: int
    write_images: bool
    write_samples: bool
    chunk_size: int
    device: torch.device = CPU
    relion_root: str = "."
    says: Says = lambda words, done, total: None
    ctf: ParticleCtf | None = None

    def part(self, shard: range, run_id: str) -> Run:
        """Return the run of some of the particles."""
        return replace(self, shard=shard, run_id=run_id)

    def calibrated(self) -> Run:
        """Return the run with its quantiser taught by the first particles of the source, whatever the shard."""
        if self.quantiser.learns:
            images, _, _ = self.scaled(self.source.images[:FIRST_PORTION])
            calibrate(self.quantiser, images, self.particles[:FIRST_PORTION], self.design, self.noise)
        return self

    def scaled(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return images (b, 1, n, n) of the stack scaled, on the device, with their (b,) offset and gain."""
        return self.scaling(moved(images, self.device))

    def measure(self, images: Tensor, numbers: Tensor) -> Measurement:
        """Return the measurement of scaled images (b, 1, n, n) with particle numbers (b,)."""
        return self._seen(acquire(images, numbers, self.design, self.noise, self.quantiser))

    def _seen(self, measurement: Measurement) -> Measurement:
        """Return the measurement with the CTFs of its images, if they are known."""
        if self.ctf is None:
            return measurement
        return measurement.seen_through(self.ctf(measurement.numbers, measurement.y.device))

    def read(self, part: range) -> Read:
        """Return what the files hold of some of the shard's particles, (b, 1, n, n), for ``Portion``."""
        of, rows = self.source, torch.arange(self.shard[part.start], self.shard[part.stop - 1] + 1)
        images = of.images[rows] if of.originals else None
        clean = None if of.clean is None else of.clean[rows]
        return Read(rows, *(each if each is None else to_be_moved(each, self.device) for each in (images, clean)))

    def measured(self, rows: Tensor, images: Tensor | None = None) -> Measured:
        """Return what is or was measured of the particles at positions (b,), whose images may have been read already."""
        if images is None and self.source.originals:
            images = self.source.images[rows]
        if isinstance(self.source, MeasuredSource):
            measurement, *scaling = self.source.measurement(rows)
            offset, gain = (values.to(self.device) for values in scaling)
            image = None if images is None else scaled_like(moved(images, self.device), offset, gain)
            return Measured(self._seen(measurement.to(self.device)), image, offset, gain)
        assert images is not None
        image, offset, gain = self.scaled(images)
        return Measured(self.measure(image, self.particles[rows]), image, offset, gain)

    @property
    def bytes_per_particle(self) -> float | None:
        """Bytes per particle of the whole measurement file; None where particles are measured as they are read."""
        return self.source.file.bytes_per_particle if isinstance(self.source, MeasuredSource) else None

    def check(self, box_size: int) -> None:
        """Raise ArgumentError if the particles cannot be measured so, or the method cannot work on such a measurement."""
        self.reconstructor.prepare(self.design.operator(box_size, self.particles[:1]))

    def held_back(self) -> Tensor:
        """Return which particles methods have learned from, (shard,) bool."""
        mask = torch.zeros(len(self.particles), dtype=torch.bool)
        mask[self.fitting.held_back_particles(len(self.particles))] = True
        return mask[self.shard.start : self.shard.stop]

    def describe(self) -> dict[str, str | int | float | bool | None]:
        """Return the columns that are the same for all particles."""
        return {
            "run_id": self.run_id,
            "data": self.source.name,
            "data_fingerprint": self.source.data_fingerprint,
            "operator": self.design.domain,
            "masks": self.design.family,
            "block_size": self.design.block_size,
            "symmetric": self.design.symmetric,
            "compression_nominal": self.design.compression_nominal,
            "noise_sigma": self.noise.sigma,
            "noise_placement": self.noise.placement,
            "quantiser": self.quantiser.words,
            "reconstructor": self.reconstructor.name,
            "prior": self.reconstructor.prior,
            "weight": self.reconstructor.weight,
            "sampler": self.reconstructor.sampler_name,
            "samples": self.reconstructor.samples,
            "seed": self.seed,
        }
