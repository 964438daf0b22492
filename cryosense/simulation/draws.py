"""Random numbers keyed by seed, purpose and index, so that no particle's depend on chunks, order or other particles."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import numpy as np
import torch
from torch import Tensor

from cryosense.seeding import generator


class Purpose(IntEnum):
    """What numbers are drawn for; each purpose has its own stream, so that changing one leaves the others as they were."""

    POSE = 0
    SHIFT = 1
    STATE = 2
    MICROGRAPH = 3
    HEIGHT = 4
    NOISE = 5
    CONDITIONS = 6
    B_FACTOR = 7
    NEIGHBOUR = 8
    NEIGHBOUR_POSE = 9
    ICE = 10


def normals(seed: int, purpose: Purpose, indices: Sequence[int], shape: tuple[int, ...]) -> Tensor:
    """Return standard normals, (b,) + shape float32; row i depends only on (seed, purpose, indices[i])."""
    drawn = np.empty((len(indices), *shape), dtype=np.float32)
    for row, index in zip(drawn, indices, strict=True):
        generator(seed, index, purpose).standard_normal(out=row, dtype=np.float32)
    return torch.from_numpy(drawn)


def uniforms(seed: int, purpose: Purpose, indices: Sequence[int], count: int) -> Tensor:
    """Return uniform numbers in [0, 1), (b, count) float64; row i depends only on (seed, purpose, indices[i])."""
    return torch.from_numpy(np.stack([generator(seed, index, purpose).random(count) for index in indices]))
