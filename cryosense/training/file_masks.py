"""Training on a measurement file alone: each particle through the masks that measured it, and no more."""

from __future__ import annotations

from typing import TypeGuard

import numpy as np
from torch import Tensor

from cryosense.data import ParticleSource
from cryosense.errors import ArgumentError, MeasurementFileError
from cryosense.measurement import Full
from cryosense.measurement.design import DrawnDesign
from cryosense.measurement.file import MeasuredSource
from cryosense.training.augmentation import Augmentation, Unchanged
from cryosense.training.operators import DrawnMeasurement


def lacks_coefficients(source: ParticleSource) -> TypeGuard[MeasuredSource]:
    """Return whether the images are all that is left of particles that were measured through masks."""
    return isinstance(source, MeasuredSource) and not source.reference and not isinstance(source.file.design, Full)


def refuse_lacking(source: ParticleSource) -> None:
    """Raise MeasurementFileError for a model that would learn what such images lack."""
    if lacks_coefficients(source):
        raise MeasurementFileError(
            f"{source.file.path}: was measured through masks, and the images made from it lack what was not measured: a "
            "network would learn that; give a reference, measure all of the stack, or train with model=unrolled, "
            "model/loss=split and augmentation=none by what was measured"
        )


def refuse_turning(source: ParticleSource, augmentation: Augmentation) -> None:
    """Raise ArgumentError for images that are turned while their masks are not."""
    if lacks_coefficients(source) and not isinstance(augmentation, Unchanged):
        raise ArgumentError(f"augmentation: the masks of {source.file.path} do not turn with images: set augmentation=none")


class FileMasks:
    """The measurements of a file's particles, in place of ``SampledOperators``.

    Raises:
        MeasurementFileError: a design of which no part can be drawn.
    """

    def __init__(self, source: MeasuredSource) -> None:
        design = source.file.design
        if not isinstance(design, DrawnDesign):
            raise MeasurementFileError(f"{source.file.path}: nothing of {type(design).__name__} masks can be held back")
        self.source, self.design = source, design

    @property
    def kind(self) -> str:
        """Name of the operators' class."""
        return type(self.source.file.operator(self.source.positions[:1])).__name__

    def draw(self, random: np.random.Generator, particles: Tensor) -> DrawnMeasurement:
        """Return the measurement of particles at positions (b,); nothing about it is random."""
        del random
        return DrawnMeasurement(
            lambda compression, seed: self.design.at(compression),
            self.design.compression_nominal,
            0,
            self.source.numbers(particles.cpu()),
            self.source.file.quantiser.operator,
        )
