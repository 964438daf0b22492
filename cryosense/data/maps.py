"""Density maps: as for stacks, the header is checked against the size of the file before memory is taken."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from cryosense.errors import ParticleDataError, UntrustedFileError
from cryosense.files.limits import require_regular

from .mrc import INVERTED_ORIGIN, check_size, imod_flags, read_axes, read_header, sample_dtype

VOXEL_TOLERANCE = 1e-3


@dataclass(frozen=True)
class DensityMap:
    """A map as stored in a file, with its axes in the order z, y, x.

    Attributes:
        values: (nz, ny, nx) float64.
        voxel_angstrom: sides of a voxel along x, y, z; 0 where the header does not say.
        corner_angstrom: x, y, z of the centre of voxel 0: the header's origin, or nxstart, nystart, nzstart where that is 0.
    """

    path: Path
    values: Tensor
    voxel_angstrom: tuple[float, float, float]
    corner_angstrom: tuple[float, float, float]

    def pixel_size_angstrom(self) -> float | None:
        """Return the side of a voxel, None where the sides are not one positive number."""
        low, high = min(self.voxel_angstrom), max(self.voxel_angstrom)
        return self.voxel_angstrom[0] if low > 0 and high - low <= VOXEL_TOLERANCE * high else None


def read_map(path: str | Path) -> DensityMap:
    """Read a map in MRC / CCP4 format of mode 0, 1, 2, 6 or 12, in either byte order and any order of axes.

    Raises:
        ParticleDataError: no such file, a compressed, truncated or foreign file, a header that disagrees with the size of the
            file, axes that are not three, or values that are not finite.
    """
    path = Path(path)
    if not path.is_file():
        raise ParticleDataError(f"{path}: there is no such map")
    try:
        require_regular(path)
    except UntrustedFileError as error:
        raise ParticleDataError(str(error)) from error
    header = read_header(path)
    dtype = sample_dtype(path, header)
    shape = tuple(int(header[name]) for name in ("nz", "ny", "nx"))
    start = check_size(path, header, dtype)
    axes = read_axes(path, header)
    stored = np.fromfile(path, dtype, count=shape[0] * shape[1] * shape[2], offset=start).reshape(shape)
    if not np.isfinite(stored).all():
        raise ParticleDataError(f"{path}: the map holds values that are not finite: replace them")
    # Axis j of the file, sections first, runs along x, y or z according to its number; the result is indexed z, y, x.
    values = np.ascontiguousarray(np.transpose(stored, [axes[::-1].index(axis) for axis in (2, 1, 0)]), dtype=np.float64)
    voxel = _voxel(header)
    return DensityMap(path, torch.from_numpy(values), voxel, _corner(header, axes, voxel))


def _voxel(header: np.ndarray) -> tuple[float, float, float]:
    samples = [int(header[name]) for name in ("mx", "my", "mz")]
    sides = [float(header["cella"][axis]) for axis in ("x", "y", "z")]
    usable = [side / count if count > 0 and 0 < side < np.inf else 0.0 for side, count in zip(sides, samples, strict=True)]
    # The header holds float32: six digits are meaningful, the rest is rounding.
    x, y, z = (float(f"{side:.6g}") for side in usable)
    return x, y, z


def _corner(header: np.ndarray, axes: list[int], voxel: tuple[float, float, float]) -> tuple[float, float, float]:
    origin = [float(header["origin"][axis]) for axis in ("x", "y", "z")]
    if np.isfinite(origin).all() and any(origin):
        sign = -1 if (imod_flags(header) or 0) & INVERTED_ORIGIN else 1
        return sign * origin[0], sign * origin[1], sign * origin[2]
    starts = [int(header[name]) for name in ("nxstart", "nystart", "nzstart")]
    x, y, z = (starts[axes.index(axis)] * voxel[axis] for axis in range(3))
    return x, y, z
