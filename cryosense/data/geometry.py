"""Cropping in real and in Fourier space: explicit, recorded, and with its consequences for the metadata.

A geometry maps images of one box to another, says what becomes of the pixel size and of RELION's columns, and can place its
result back into the original box. Origins stay at index n // 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from cryosense.errors import ParticleDataError
from cryosense.shown import ShowsParameters

from ..fourier import fourier_crop, fourier_pad
from .tables import as_numbers

# RELION columns in pixels of the particle image; rlnOriginXAngst and the like are in Angstrom and stay.
IN_PIXELS = ("rlnOriginX", "rlnOriginY", "rlnOriginXPrior", "rlnOriginYPrior")
PIXEL_SIZES = ("rlnImagePixelSize", "rlnDetectorPixelSize", "rlnPixelSize")


class Geometry(Protocol):
    """What ``ParticleStack.transformed`` takes."""

    def __call__(self, images: Tensor) -> Tensor: ...
    def invert(self, images: Tensor, box_size: int) -> Tensor:
        """Return images on the grid of the box before, ``box_size`` pixels."""

    def box_after(self, box_size: int) -> int:
        """Return the box size of the result in pixels."""

    def pixel_size_after(self, pixel_size_angstrom: float, box_size: int) -> float:
        """Return the pixel size of the result in Angstrom."""

    def table_after(self, table: pd.DataFrame, box_size: int) -> pd.DataFrame:
        """Return a particle or optics table that describes the result."""

    def describe(self) -> list[dict[str, Any]]:
        """Return what to record."""


class CentreCrop(ShowsParameters):
    """A crop to the central ``size`` x ``size`` pixels; the pixel size stays."""

    def __init__(self, size: int) -> None:
        self.size = _even(size)

    def __call__(self, images: Tensor) -> Tensor:
        """Return images (..., size, size). Raises ParticleDataError for smaller images."""
        start = _smaller(self.size, images.shape[-1])
        return images[..., start : start + self.size, start : start + self.size]

    def invert(self, images: Tensor, box_size: int) -> Tensor:
        """Return the crop in its old place, (..., n, n); the margin, which is lost, is zero."""
        before = _smaller(self.size, box_size)
        return torch.nn.functional.pad(images, (before, box_size - self.size - before) * 2)

    def box_after(self, box_size: int) -> int:
        """Return the box size of the result in pixels."""
        _smaller(self.size, box_size)
        return self.size

    def pixel_size_after(self, pixel_size_angstrom: float, box_size: int) -> float:
        """Return the pixel size of the result in Angstrom."""
        return pixel_size_angstrom

    def table_after(self, table: pd.DataFrame, box_size: int) -> pd.DataFrame:
        """Return a particle or optics table with ``rlnImageSize`` set if present."""
        return _with_image_size(table, self.size)

    def describe(self) -> list[dict[str, Any]]:
        """Return what to record."""
        return [{"geometry": "centre_crop", "size": self.size}]


class FourierCrop(ShowsParameters):
    """A crop to the central ``size`` x ``size`` Fourier coefficients: pixels grow by n / size, the mean value stays."""

    def __init__(self, size: int) -> None:
        self.size = _even(size)

    def __call__(self, images: Tensor) -> Tensor:
        """Return images (..., size, size). Raises ParticleDataError for smaller images."""
        _smaller(self.size, images.shape[-1])
        return fourier_crop(images, self.size)

    def invert(self, images: Tensor, box_size: int) -> Tensor:
        """Return the same image on the old grid, (..., n, n); the high frequencies, which are lost, are zero."""
        _smaller(self.size, box_size)
        return fourier_pad(images, box_size)

    def box_after(self, box_size: int) -> int:
        """Return the box size of the result in pixels."""
        _smaller(self.size, box_size)
        return self.size

    def pixel_size_after(self, pixel_size_angstrom: float, box_size: int) -> float:
        """Return the pixel size of the result in Angstrom."""
        return pixel_size_angstrom * box_size / self.size

    def table_after(self, table: pd.DataFrame, box_size: int) -> pd.DataFrame:
        """Return a particle or optics table with pixel sizes, shifts in pixels and ``rlnImageSize`` on the new grid."""
        shrink = self.size / box_size
        changed = {name: _pixels(table, name) * shrink for name in IN_PIXELS if name in table.columns}
        changed |= {name: _pixels(table, name) / shrink for name in PIXEL_SIZES if name in table.columns}
        return _with_image_size(table.assign(**changed), self.size)

    def describe(self) -> list[dict[str, Any]]:
        """Return what to record."""
        return [{"geometry": "fourier_crop", "size": self.size}]


class Compose(ShowsParameters):
    """One geometry after the other; with no steps, images stay as they were recorded."""

    def __init__(self, steps: Sequence[Geometry] = ()) -> None:
        self.steps = tuple(steps)

    def __call__(self, images: Tensor) -> Tensor:
        """Return images (..., size, size)."""
        for step in self.steps:
            images = step(images)
        return images

    def invert(self, images: Tensor, box_size: int) -> Tensor:
        """Return images (..., n, n), with the steps undone in reverse order."""
        boxes = [box_size]
        for step in self.steps:
            boxes.append(step.box_after(boxes[-1]))
        for step, box in zip(reversed(self.steps), reversed(boxes[:-1]), strict=True):
            images = step.invert(images, box)
        return images

    def box_after(self, box_size: int) -> int:
        """Return the box size of the result in pixels."""
        for step in self.steps:
            box_size = step.box_after(box_size)
        return box_size

    def pixel_size_after(self, pixel_size_angstrom: float, box_size: int) -> float:
        """Return the pixel size of the result in Angstrom."""
        for step in self.steps:
            pixel_size_angstrom = step.pixel_size_after(pixel_size_angstrom, box_size)
            box_size = step.box_after(box_size)
        return pixel_size_angstrom

    def table_after(self, table: pd.DataFrame, box_size: int) -> pd.DataFrame:
        """Return a particle or optics table as the steps leave it."""
        for step in self.steps:
            table, box_size = step.table_after(table, box_size), step.box_after(box_size)
        return table

    def describe(self) -> list[dict[str, Any]]:
        """Return what to record, in order."""
        return [record for step in self.steps for record in step.describe()]


def _even(size: int) -> int:
    if size < 2 or size % 2:
        raise ParticleDataError(f"size: a box of {size} px was asked for; it must be even and at least 2")
    return size


def _smaller(size: int, box_size: int) -> int:
    """Return the index of the first pixel of a central box of ``size`` in one of ``box_size``."""
    if size > box_size:
        raise ParticleDataError(f"size: images of {box_size} px cannot be cropped to {size} px")
    return box_size // 2 - size // 2


def _pixels(table: pd.DataFrame, name: str) -> np.ndarray:
    values = as_numbers(table[name])
    if np.isnan(values).any():
        raise ParticleDataError(f"{name} holds something other than numbers: it cannot be converted to another pixel size")
    return values


def _with_image_size(table: pd.DataFrame, size: int) -> pd.DataFrame:
    return table.assign(rlnImageSize=size) if "rlnImageSize" in table.columns else table.copy()
