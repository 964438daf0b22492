"""Random numbers that are a function of their keys, whatever batch, order or chunk asks for them.

NumPy's counter-based Philox takes the whole 64-bit key; torch's generator on the CPU uses only 32 bits of its seed, with
which two of 20,000 particles would share a stream in one run out of twenty.
"""

from __future__ import annotations

import numpy as np


def generator(seed: int, index: int = 0, stream: int = 0) -> np.random.Generator:
    """Return the generator of one (seed, index), non-negative integers; its streams are independent of each other."""
    return np.random.Generator(np.random.Philox(key=np.array([seed, index], dtype=np.uint64), counter=[0, 0, 0, stream]))
