"""A scheme tried on a sample: measured to a file, decoded from it, back-projected, compared with the maps without it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from cryosense.measurement.file import SUFFIX, open_particles
from cryosense.metrics import resolution_angstrom
from cryosense.tasks.advise.prediction import Prediction
from cryosense.tasks.advise.sample import Mapping, Progress, Sample
from cryosense.tasks.advise.signal import THRESHOLD
from cryosense.tasks.maps.references import crossed


class Check(NamedTuple):
    """What became of the sample when it was measured, decoded and back-projected.

    Attributes:
        expected: of the sample.
        bytes: of a particle in its file.
        cross, half_maps: equivalent particles over particles; None where no shell can be compared.
        unmasked, masked: resolution at 0.143, in Angstrom.
    """

    name: str
    expected: Prediction
    bytes: float
    cross: float | None
    half_maps: float | None
    unmasked: float
    masked: float


@dataclass(frozen=True)
class Checking:
    """What checks have in common.

    Attributes:
        sample, mapping: particles, and how they are back-projected.
        uncompressed: (n, n, n) half maps without compression.
        mask: (n, n, n) of the map without compression.
        scratch: folder for the file.
        progress: see ``Backprojection.accumulate``.
    """

    sample: Sample
    mapping: Mapping
    uncompressed: tuple[Tensor, Tensor]
    mask: Tensor
    scratch: Path
    progress: Progress

    def check(self, name: str, expected: Prediction) -> Check:
        """Return what became of the sample by the scheme that this is expected of."""
        path = self.scratch / f"check{SUFFIX}"
        path.unlink(missing_ok=True)
        file = self.sample.measured(expected.scheme.quantiser, path, len(self.sample), self.progress, expected.scheme.design)
        first, second, _ = self.mapping.halves(open_particles(path), self.scratch, self.progress)
        _, worth = crossed((first, second), self.uncompressed, 1)
        curves, pixel_size = self.mapping.curves((first, second), self.mask), self.sample.pixel_size_angstrom
        read = [resolution(curve, pixel_size) for curve in (curves.unmasked, curves.corrected)]
        return Check(name, expected, file.bytes_per_particle, worth["cross"], worth["half_maps"], *read)


def resolution(curve: Tensor, pixel_size_angstrom: float) -> float:
    """From (n // 2 + 1,): where it falls below 0.143, in Angstrom."""
    return resolution_angstrom(curve, pixel_size_angstrom, 2 * (len(curve) - 1), THRESHOLD)
