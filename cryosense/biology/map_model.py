"""How well a map shows each chain of an atomic model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from scipy.spatial import KDTree
from torch import Tensor

from cryosense.biology.model_files import read_structure


def chain_atoms(path: str | Path) -> dict[str, Tensor]:
    """Return the atoms of each chain of the first model, (t, 3) float64 x, y, z in Angstrom, without water and hydrogens.

    Raises:
        ModelFileError: as ``read_structure`` does.
    """
    structure = read_structure(path)
    structure.remove_waters()
    structure.remove_hydrogens()
    found = {chain.name: [atom.pos.tolist() for residue in chain for atom in residue] for chain in structure[0]}
    return {name: torch.tensor(positions, dtype=torch.float64) for name, positions in found.items() if positions}


def voxels_near(atoms: Tensor, box_size: int, pixel_size_angstrom: float, radius_angstrom: float) -> Tensor:
    """Return the voxels whose centre lies within ``radius_angstrom`` of an atom, (k,) int64 in a flat (n, n, n) box.

    Atoms are (t, 3) x, y, z in Angstrom from the centre of voxel 0; the box is flattened z first.
    """
    reach = radius_angstrom / pixel_size_angstrom
    places = atoms.numpy()[:, ::-1] / pixel_size_angstrom  # z, y, x in voxels
    low = np.clip(np.floor(places.min(0) - reach), 0, box_size).astype(int)
    high = np.clip(np.ceil(places.max(0) + reach) + 1, 0, box_size).astype(int)
    grid = np.stack(np.meshgrid(*(np.arange(a, b) for a, b in zip(low, high, strict=True)), indexing="ij"), -1).reshape(-1, 3)
    distance, _ = KDTree(places).query(grid, distance_upper_bound=np.nextafter(reach, np.inf))
    return torch.from_numpy(np.ravel_multi_index(grid[np.isfinite(distance)].T, (box_size,) * 3).astype(np.int64))


def correlation(volume: Tensor, other: Tensor, voxels: Tensor) -> float:
    """Return Pearson's correlation of two maps (n, n, n) over flat voxels (k,); NaN where either is flat there."""
    a, b = (each.double().flatten()[voxels] for each in (volume, other))
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / (a.square().sum() * b.square().sum()).sqrt())
