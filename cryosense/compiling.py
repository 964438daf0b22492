"""Loops that numba compiles. Modules with such loops are imported on first use, since compilers are large.

Compiled code is kept beside the module or in the user's cache directory, whichever can be written; where neither can, each
process compiles for itself.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numba


def _spare_scipy() -> None:
    """Let numba take SciPy's linear algebra for granted, which it would import to see that it is there.

    It asks again before it compiles a product of matrices. There is none here, and that import takes as long as ours.
    """
    linalg: Any = importlib.import_module("numba.np.linalg")
    asked = getattr(linalg, "ensure_blas", None)
    if asked is None:
        return
    linalg.ensure_blas = lambda: None
    try:
        importlib.import_module("numba.np.arraymath")
    finally:
        linalg.ensure_blas = asked


_spare_scipy()


def compiled(function: Callable[..., None]) -> Callable[..., None]:
    """Return the function, compiled at its first call, nothing fused or reordered: sums are the same on every machine."""
    try:
        return numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:  # no directory that can be written
        return numba.njit(nogil=True, error_model="numpy")(function)
