"""The images decoded from measurements alone, in place of those of a stack."""

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
    """The images decoded from a file's measurements alone, ``A^+ y`` in the units of the stack, as an image file."""

    file: MeasurementFile

    @property
    def path(self) -> Path:
        """The measurement file."""
        return self.file.path

    @property
    def count(self) -> int:
        """Number of images."""
        return len(self.file)

    @property
    def width(self) -> int:
        """Width of an image in pixels."""
        return self.file.box_size

    height = width

    @property
    def pixel_size_angstrom(self) -> float | None:
        """Pixel size in Angstrom, None if the file does not state it."""
        return self.file.pixel_size_angstrom

    @property
    def may_be_volume(self) -> bool:
        """Always false: a measurement file holds images."""
        return False

    @torch.no_grad()
    def read(self, numbers: np.ndarray) -> np.ndarray:
        """Return the images at positions (b,), (b, n, n) float32."""
        positions = torch.from_numpy(numbers)
        measurement = self.file.measurement(positions)
        x = measurement.operator.pinv(measurement.y)
        return AsIs().invert(x, *self.file.scaling(positions))[:, 0].numpy()


def decoded(file: MeasurementFile) -> ParticleStack:
    """Return all particles of a file, with its tables."""
    count = len(file)
    images = Images((DecodedImages(file),), np.zeros(count, np.int64), np.arange(count))
    return ParticleStack(file.path, images, file.description.tables, file.pixel_size_angstrom, Compose([]))
