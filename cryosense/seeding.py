"""Random numbers that are a function of their keys, whatever batch, order or chunk asks for them.

NumPy's counter-based Philox takes the whole 64-bit key; torch's generator on the CPU uses only 32 bits of its seed, with
which two of 20,000 particles would share a stream in one run out of twenty.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np


def generator(seed: int, index: int = 0, stream: int = 0) -> np.random.Generator:
    """Return the generator of one (seed, index), non-negative integers; its streams are independent of each other."""
    return np.random.Generator(np.random.Philox(key=np.array([seed, index], dtype=np.uint64), counter=[0, 0, 0, stream]))


def standard_normals(
    seed: int, keys: Sequence[tuple[int, int]], shape: tuple[int, ...], threads: int = 1
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Return the first normal draws of each key, index and stream, (keys, *shape) float32, the same with any threads."""
    drawn = np.empty((len(keys), *shape), np.float32)

    def fill(part: range) -> None:
        philox = np.random.Philox(key=0)
        source, start = np.random.Generator(philox), philox.state
        for i in part:  # to set one generator anew takes a ninth of the time that making another does
            index, stream = keys[i]
            start["state"]["key"][:], start["state"]["counter"][:] = (seed, index), (0, 0, 0, stream)
            philox.state = start
            source.standard_normal(dtype=np.float32, out=drawn[i])

    if threads == 1 or len(keys) < 2 * threads:
        fill(range(len(keys)))
        return drawn
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(fill, [range(first, len(keys), threads) for first in range(threads)]))
    return drawn
