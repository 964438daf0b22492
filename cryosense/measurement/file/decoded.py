"""The images that measurements alone make, in the place of those of a stack."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from cryosense.data import ParticleStack
from cryosense.data.geometry import Compose
from cryosense.data.images import Images
from cryosense.data.scaling import AsIs
from cryosense.measurement.file.reading import MeasurementFile


@dataclass(frozen=True)
class DecodedImages:
    """The images that a file's measurements alone make, A^+ y in the units of the stack, as an image file."""

    file: MeasurementFile

    @property
    def path(self) -> Path:
        return self.file.path

    @property
    def count(self) -> int:
        return len(self.file)

    @property
    def width(self) -> int:
        return self.file.box_size

    height = width

    @property
    def pixel_size_angstrom(self) -> float | None:
        return self.file.pixel_size_angstrom

    @property
    def may_be_volume(self) -> bool:
        return False

    @torch.no_grad()
    def read(self, numbers: np.ndarray) -> np.ndarray:
        """(b,) positions -> (b, n, n) float32."""
        positions = torch.from_numpy(numbers)
        measurement = self.file.measurement(positions)
        x = measurement.operator.pinv(measurement.y)
        return AsIs().invert(x, *self.file.scaling(positions))[:, 0].numpy()


def decoded(file: MeasurementFile) -> ParticleStack:
    """-> all particles of a file, with its tables."""
    count = len(file)
    images = Images((DecodedImages(file),), np.zeros(count, np.int64), np.arange(count))
    return ParticleStack(file.path, images, file.description.tables, file.pixel_size_angstrom, Compose([]))
