"""Densities from files: an experimental or computed map, and an atomic model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from cryosense.biology.model_files import ModelFileError, read_structure
from cryosense.data.maps import DensityMap, read_map
from cryosense.errors import ArgumentError, FileError

from .pseudo_atoms import PseudoAtoms

EDGE_PIXELS = 3


@dataclass(frozen=True)
class MapDensity:
    """A map in MRC / CCP4 format, resampled to the box and pixel size requested.

    ``source_pixel_size_angstrom`` overrides the header. ``threshold`` is the upper end of the solvent's density: it is
    subtracted, and what is then negative is set to 0. What lies outside the inscribed sphere of the source's or the target's
    box is cut off softly.

    Raises:
        FileError: no such file, or not a cube.
        ArgumentError: no usable pixel size in the header.
    """

    path: str
    threshold: float = 0.0
    source_pixel_size_angstrom: float | None = None

    def __post_init__(self) -> None:
        if not Path(self.path).is_file():
            raise FileError(f"path: there is no map {self.path}")

    def states(self) -> pd.DataFrame:
        """Return a single state, without columns."""
        return pd.DataFrame(index=range(1))

    def volumes(self, box_size: int, pixel_size_angstrom: float) -> Tensor:
        """Return the density, (1, n, n, n); see ``Density``. What does not fit into the box is cut off."""
        source, source_pixel = self._read()
        solvent_free = _round_off((source - self.threshold).clamp(min=0))
        kernel = _resampling(source.shape[-1], source_pixel, box_size, pixel_size_angstrom)
        resampled = torch.einsum("zyx,ax,by,cz->cba", solvent_free, kernel, kernel, kernel)
        return _round_off(resampled.float())[None]

    def _read(self) -> tuple[Tensor, float]:
        """Return the density (m, m, m) float64 in z, y, x order, and the pixel size in Angstrom."""
        density = read_map(self.path)
        if len(set(density.values.shape)) != 1:
            raise FileError(f"{self.path}: the map has shape {tuple(density.values.shape)}: pad it to a cube")
        return density.values, self._pixel_size(density)

    def _pixel_size(self, density: DensityMap) -> float:
        if self.source_pixel_size_angstrom is not None:
            return self.source_pixel_size_angstrom
        pixel_size = density.pixel_size_angstrom()
        if pixel_size is None:
            raise ArgumentError(
                f"{self.path}: the header's pixel sizes {density.voxel_angstrom} Å are not one positive number: "
                "set source_pixel_size_angstrom"
            )
        return pixel_size


def _resampling(source_size: int, source_pixel: float, size: int, pixel: float) -> Tensor:
    """Return trigonometric interpolation, (size, source_size), band-limited to the coarser Nyquist, 0 outside the source.

    Scaled so that the sum of the voxels is kept, as in binning.
    """
    harmonic = torch.arange(1, (source_size + 1) // 2, dtype=torch.float64)
    frequency = harmonic / (source_size * source_pixel)
    frequency = frequency[frequency < 0.5 / pixel]
    target = (torch.arange(size, dtype=torch.float64) - size // 2) * pixel
    source = (torch.arange(source_size, dtype=torch.float64) - source_size // 2) * source_pixel
    phase = 2 * torch.pi * (target[:, None, None] - source[:, None]) * frequency
    kernel = (1 + 2 * torch.cos(phase).sum(-1)) / source_size * (pixel / source_pixel)
    return torch.where(target[:, None].abs() <= source_size * source_pixel / 2, kernel, 0.0)


def _round_off(volume: Tensor) -> Tensor:
    """Return the volume (n, n, n) times a sphere of diameter n with a cosine edge inside it."""
    n = volume.shape[-1]
    axis = torch.arange(n, dtype=volume.dtype) - n // 2
    radius = torch.sqrt(axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2)
    edge = ((n / 2 - radius) / EDGE_PIXELS).clamp(0, 1)
    return volume * (1 - torch.cos(torch.pi * edge)) / 2


@dataclass(frozen=True)
class ModelDensity:
    """An atomic model in PDB or mmCIF format, its first model, centred: Gaussians of a stated resolution.

    Each atom is weighted by its electron scattering at zero angle (the five-Gaussian fit of International Tables C 4.3.2.2)
    times its occupancy; water and, where the file has them, hydrogens are left out.

    Raises:
        ModelFileError: no such file, or no atoms in it.
    """

    path: str
    resolution_angstrom: float = 8.0

    def __post_init__(self) -> None:
        if not Path(self.path).is_file():
            raise ModelFileError(f"path: there is no atomic model {self.path}")

    def states(self) -> pd.DataFrame:
        """Return a single state, without columns."""
        return pd.DataFrame(index=range(1))

    def volumes(self, box_size: int, pixel_size_angstrom: float) -> Tensor:
        """Return the density, (1, n, n, n); see ``Density``."""
        return self.atoms().render(box_size, pixel_size_angstrom, self.resolution_angstrom)[None]

    def atoms(self) -> PseudoAtoms:
        """Return positions centred on the middle of the molecule's extent, and scattering weights."""
        placed = self.placed_atoms()
        middle = (placed.positions_angstrom.min(0).values + placed.positions_angstrom.max(0).values) / 2
        return PseudoAtoms((placed.positions_angstrom - middle).float(), placed.weights)

    def placed_atoms(self) -> PseudoAtoms:
        """Return float64 positions as they are in the file, and scattering weights."""
        structure = read_structure(self.path)
        structure.remove_waters()
        structure.remove_hydrogens()
        sites = list(structure[0].all())
        if not sites:
            raise ModelFileError(f"{self.path}: the file holds no atoms of a molecule: name another")
        positions = torch.tensor([site.atom.pos.tolist() for site in sites], dtype=torch.float64)
        weights = torch.tensor([site.atom.element.c4322.calculate_sf(0.0) * site.atom.occ for site in sites])
        return PseudoAtoms(positions, weights.float())
