"""Loops that numba compiles. Modules with such loops are imported on first use, since compilers are large.

Compiled code is kept beside the module or in the user's cache directory, whichever can be written; where neither can, each
process compiles for itself.
"""

from __future__ import annotations

from collections.abc import Callable

import numba


def compiled(function: Callable[..., None]) -> Callable[..., None]:
    """Return the function, compiled at its first call, nothing fused or reordered: sums are the same on every machine."""
    try:
        return numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:  # no directory that can be written
        return numba.njit(nogil=True, error_model="numpy")(function)
