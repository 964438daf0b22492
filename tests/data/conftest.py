"""Small stacks on disk, written by mrcfile rather than by the package."""

from collections.abc import Callable
from pathlib import Path

import mrcfile
import numpy as np
import pytest

WriteStack = Callable[..., Path]


@pytest.fixture
def write_stack(tmp_path: Path) -> WriteStack:
    """(name, array, pixel size) -> path of an MRC image stack."""

    def write(name: str, images: np.ndarray, pixel_size_angstrom: float | None = None) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with mrcfile.new(path, images) as file:
            if images.ndim == 3:
                file.set_image_stack()
            if pixel_size_angstrom is not None:
                file.voxel_size = pixel_size_angstrom
        return path

    return write


@pytest.fixture
def noise() -> Callable[..., np.ndarray]:
    """(seed, shape) -> float32 white noise."""

    def draw(seed: int, *shape: int) -> np.ndarray:
        return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)

    return draw


@pytest.fixture
def relion_matrix() -> Callable[[float, float, float], np.ndarray]:
    """RELION's Euler_angles2matrix written out: rot, tilt, psi in degrees -> (3, 3)."""

    def matrix(rot: float, tilt: float, psi: float) -> np.ndarray:
        ca, cb, cg = np.cos(np.deg2rad([rot, tilt, psi]))
        sa, sb, sg = np.sin(np.deg2rad([rot, tilt, psi]))
        return np.array(
            [
                [cg * cb * ca - sg * sa, cg * cb * sa + sg * ca, -cg * sb],
                [-sg * cb * ca - cg * sa, -sg * cb * sa + cg * ca, sg * sb],
                [sb * ca, sb * sa, cb],
            ]
        )

    return matrix
