"""Atomic models in a map: Fourier shell correlation, and real-space correlation chain by chain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from cryosense.biology.map_model import chain_atoms, correlation, voxels_near
from cryosense.data import ParticleDataError
from cryosense.data.maps import DensityMap, read_map
from cryosense.fourier import fftn, frequency_radius, ifftn
from cryosense.metrics import half_map_curves
from cryosense.tasks.maps.fsc_files import fsc_table, resolution_table
from cryosense.tasks.maps.references import AtomicModel


@dataclass(frozen=True)
class ModelInMap:
    """FSC curves and resolutions of a model in a map as tables, and the real-space correlation of each chain."""

    curves: pd.DataFrame
    resolutions: pd.DataFrame
    correlations: dict[str, float]


@dataclass(frozen=True)
class KnownMap:
    """A map that models should fit. Nothing is fitted.

    Attributes:
        path: the map, a cube with a pixel size; None if no map is known.
        resolution_angstrom: resolution of the map, at which the model's density is drawn for the real-space correlation, as
            Gaussians that fall to 1 / e there in Fourier space.
        radius_angstrom: voxels this near to an atom of the chain are correlated.
        model_centre_angstrom: x, y, z of the models at the map's centre, voxel n // 2; None takes the map's header.
        soft_mask: makes the mask from the model's density and ``pixel_size_angstrom``; what lies outside belongs to no model.
        randomise_below, seed: see ``cryosense.metrics.half_map_curves``; they measure correlation from the mask alone.
    """

    path: str | None
    resolution_angstrom: float | None
    radius_angstrom: float
    model_centre_angstrom: list[float] | None
    soft_mask: Callable[[Tensor, float], Tensor]
    randomise_below: float
    seed: int

    def open(self) -> OpenMap | None:
        """Return the map in memory, None if no path is given.

        Raises:
            ParticleDataError: a map that cannot be read, is not a cube, or has no pixel size; no resolution, or one beyond
                Nyquist.
        """
        if self.path is None:
            return None
        known = read_map(self.path)
        pixel_size = known.pixel_size_angstrom()
        if pixel_size is None or len(set(known.values.shape)) != 1:
            raise ParticleDataError(
                f"path: {self.path} has {tuple(known.values.shape)} voxels of {known.voxel_angstrom} Angstrom: a cube "
                "with one pixel size is needed"
            )
        if self.resolution_angstrom is None or not self.resolution_angstrom >= 2 * pixel_size or not self.radius_angstrom > 0:
            raise ParticleDataError(
                f"resolution_angstrom={self.resolution_angstrom}: give the resolution of {self.path}, at least "
                f"{2 * pixel_size:g}, which pixels of {pixel_size:g} can show; radius_angstrom={self.radius_angstrom:g} "
                "must be positive"
            )
        return OpenMap(self, known, pixel_size, self.resolution_angstrom)


@dataclass(frozen=True)
class OpenMap:
    """A map in memory, and how models are compared with it."""

    settings: KnownMap
    known: DensityMap
    pixel_size_angstrom: float
    resolution_angstrom: float

    def assess(self, path: Path) -> ModelInMap:
        """Compare the model in this file with the map. Raises ParticleDataError if it does not lie in the box."""
        settings, values, pixel_size = self.settings, self.known.values, self.pixel_size_angstrom
        n, centre = values.shape[0], self._centre()
        density = AtomicModel(str(path), centre).density(n, pixel_size).double()
        mask = settings.soft_mask(density, pixel_size)
        curves = half_map_curves(values, density, mask, randomise_below=settings.randomise_below, seed=settings.seed)
        table = fsc_table(curves, {}, n, pixel_size)
        drawn = self._at_resolution(density)
        corner = torch.tensor(centre, dtype=torch.float64) - n // 2 * pixel_size
        correlations = {
            name: correlation(values, drawn, voxels_near(atoms - corner, n, pixel_size, settings.radius_angstrom))
            for name, atoms in chain_atoms(path).items()
        }
        return ModelInMap(table, resolution_table(table, n, pixel_size), correlations)

    def _centre(self) -> list[float]:
        """Return x, y, z of the models at voxel n // 2."""
        if self.settings.model_centre_angstrom is not None:
            return list(self.settings.model_centre_angstrom)
        middle = self.known.values.shape[0] // 2 * self.pixel_size_angstrom
        return [corner + middle for corner in self.known.corner_angstrom]

    def _at_resolution(self, density: Tensor) -> Tensor:
        """Return a density (n, n, n) drawn at Nyquist as at the map's resolution: Gaussians filter Gaussians to Gaussians."""
        n = density.shape[0]
        frequency = frequency_radius(n, 3) / (n * self.pixel_size_angstrom)
        squared = self.resolution_angstrom**2 - (2 * self.pixel_size_angstrom) ** 2
        return ifftn(fftn(density, 3) * torch.exp(-squared * frequency**2), 3).real
