"""Which particles a network is trained on, and which it is judged by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from cryosense import seeding
from cryosense.data import ParticleDataError, ParticleStack

MICROGRAPH = "rlnMicrographName"


@dataclass(frozen=True)
class Split:
    """Particle numbers for training (t,) and validation (v,), both ascending, and how they were separated."""

    train: Tensor
    validation: Tensor
    by: str


def split(stack: ParticleStack, validation_fraction: float, seed: int) -> Split:
    """Split a stack by whole micrographs where the metadata name them, else with one block at its end for validation.

    Particles of one micrograph share ice and defocus and often overlap: if some were trained on, the others would not be
    unseen.

    Raises:
        ParticleDataError: a fraction outside (0, 1), or one that leaves either side without particles.
    """
    if not 0 < validation_fraction < 1:
        raise ParticleDataError(f"validation_fraction={validation_fraction}: give a share between 0 and 1")
    count = len(stack)
    wanted = max(1, round(validation_fraction * count))
    if MICROGRAPH in stack.metadata.columns and stack.metadata[MICROGRAPH].nunique() > 1:
        micrographs = stack.metadata[MICROGRAPH].to_numpy()
        names, sizes = np.unique(micrographs, return_counts=True)
        order = seeding.generator(seed).permutation(len(names))
        # The fewest micrographs, in random order, that hold enough; never all of them.
        enough = min(int(np.searchsorted(np.cumsum(sizes[order]), wanted)) + 1, len(names) - 1)
        chosen = np.isin(micrographs, names[order[:enough]])
        by = "micrograph"
    else:
        chosen, by = np.arange(count) >= count - wanted, "block"
    numbers = torch.arange(count)
    held = torch.from_numpy(chosen)
    result = Split(numbers[~held], numbers[held], by)
    if not len(result.train) or not len(result.validation):
        raise ParticleDataError(f"{stack.path}: {count} particles cannot be split for training and validation: use more")
    return result
