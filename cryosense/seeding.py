"""Random draws that belong to a particle: keyed by a seed and its index, whatever batch it comes in."""

from __future__ import annotations

import numpy as np
import torch


def derived_seed(*keys: int) -> int:
    """-> a 63-bit seed from non-negative integers; close keys give unrelated seeds (NumPy's ``SeedSequence``)."""
    return int(np.random.SeedSequence(list(keys)).generate_state(1, np.uint64)[0] >> np.uint64(1))


def generator(*keys: int) -> torch.Generator:
    """-> a generator of its own for these keys, on the CPU, so that a draw is the same on every device."""
    return torch.Generator().manual_seed(derived_seed(*keys))
