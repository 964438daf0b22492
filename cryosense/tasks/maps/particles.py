"""What a particle adds to a map: all of its image, what a design measures of it, or what a file says was measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from cryosense import fourier
from cryosense.data import ParticleSource, Scaling
from cryosense.data.ahead import read_ahead
from cryosense.errors import ArgumentError
from cryosense.measurement import FIRST_PORTION, Design, Identity, Measurement, Quantiser, acquire, calibrate
from cryosense.measurement.file import MeasuredSource
from cryosense.measurement.quantisers import StoredQuantiser
from cryosense.runs.devices import CPU, moved, to_be_moved
from cryosense.volumes.backproject import Slices


class Contribution(NamedTuple):
    """What b particles add.

    Attributes:
        images: (b, 1, n, n) in the units of the stack: what is measured, zero elsewhere.
        rank: (1 or b,) measured degrees of freedom.
        shares: (1 or b, n, n) measured share of each coefficient, None for all.
        precision: (1 or b, n, n // 2 + 1) share of each coefficient's inverse noise variance left by quantisation, None for
            all.
    """

    images: Tensor
    rank: Tensor
    shares: Tensor | None
    precision: Tensor | None

    def weighed(self, terms: Slices) -> Slices:
        """Return what the images add to a map, with each coefficient weighted by what quantisation leaves of it."""
        if self.precision is None:
            return terms
        return Slices(terms.numerator * self.precision, terms.weight * self.precision)


@dataclass(frozen=True)
class MeasuredParticles:
    """Particles as a map takes them.

    Attributes:
        source: images with their metadata, or a measurement file, whose own design and quantiser are used.
        design: the masks through which each particle is taken to be measured; None for all of it.
        quantiser, scaling: of the measurement; without a design all Hartley coefficients are quantised.
        device: where images are measured and taken back.
    """

    source: ParticleSource
    design: Design | None
    quantiser: Quantiser
    scaling: Scaling
    device: torch.device = CPU

    def check(self) -> None:
        """Raise ArgumentError for a design or quantiser that the particles cannot have, or that their file already has."""
        if isinstance(self.source, MeasuredSource):
            if self.design is not None or not isinstance(self.quantiser, Identity):
                raise ArgumentError(f"operator, quantiser: {self.source.file.path} says how its particles were measured")
        elif self.design is not None:
            self.design.operator(self.source.images.box_size, torch.zeros(1, dtype=torch.int64))
        elif not isinstance(self.quantiser, Identity):
            raise ArgumentError("quantiser: nothing is measured without a design: give one (Full where nothing is masked)")

    def describe(self) -> dict[str, object] | None:
        """Return what to record of the measurement, in the words of tables; None where all of the images is used."""
        file = self.source.file if isinstance(self.source, MeasuredSource) else None
        design, quantiser = (self.design, self.quantiser) if file is None else (file.design, file.quantiser)
        if design is None:
            return None
        return {
            "operator": design.domain,
            "masks": design.family,
            "block_size": design.block_size,
            "symmetric": design.symmetric,
            "compression_nominal": design.compression_nominal,
            "quantiser": quantiser.words,
            "bytes_per_particle": None if file is None else file.bytes_per_particle,
        }

    @torch.no_grad()
    def prepare(self, mean: float, deviation: float) -> None:
        """Give the scaling mean and deviation of all pixels, and let the quantiser learn from the first particles."""
        images = self.source.images
        self.scaling.fit_to(mean, deviation)
        if self.design is not None and self.quantiser.learns:
            first = torch.arange(min(FIRST_PORTION, len(images)))
            calibrate(self.quantiser, self.scaling(images[first].to(self.device))[0], self.source.numbers(first), self.design)

    def each(self, chunks: Iterable[Tensor]) -> Iterator[tuple[Tensor, Contribution]]:
        """Yield positions (b,) with what the particles there add; images of the next are read meanwhile (``read_ahead``)."""
        if isinstance(self.source, MeasuredSource):
            yield from ((rows, self.of(rows)) for rows in chunks)
        else:
            yield from ((rows, self.of(rows, images)) for rows, images in read_ahead(self._read, chunks))

    def _read(self, rows: Tensor) -> Tensor:
        return to_be_moved(self.source.images[rows], self.device)

    @torch.no_grad()
    def of(self, rows: Tensor, images: Tensor | None = None) -> Contribution:
        """Return what the particles at positions (b,) add; their images (b, 1, n, n) may have been read already."""
        if isinstance(self.source, MeasuredSource):
            measurement, *scaling = self.source.measurement(rows)
            offset, gain = (values.to(self.device) for values in scaling)
            return self._measured(measurement.to(self.device), offset, gain, self.source.file.quantiser)
        images = moved(self._read(rows) if images is None else images, self.device)
        if self.design is None:
            return Contribution(images, torch.tensor([images.shape[-1] ** 2]), None, None)
        scaled, offset, gain = self.scaling(images)
        measurement = acquire(scaled, self.source.numbers(rows), self.design, quantiser=self.quantiser)
        return self._measured(measurement, offset, gain, self.quantiser)

    def _measured(self, measurement: Measurement, offset: Tensor, gain: Tensor, quantiser: Quantiser) -> Contribution:
        operator = measurement.operator
        images = self.scaling.invert(operator.pinv(measurement.y), offset, gain)
        eta = quantiser.efficiency(operator) if isinstance(quantiser, StoredQuantiser) else None
        precision = None if eta is None else fourier.centred_to_half_plane(eta)
        return Contribution(images, operator.rank, operator.measured_shares, precision)
