"""Worker processes of a sweep: they end with the process that started them."""

from __future__ import annotations

from functools import partial

from cryosense.runs.signals import follow, lead


def lead_workers() -> None:
    """Let workers of joblib follow this process from their first moment on, those that have not been given a cell too."""
    from joblib import register_parallel_backend
    from joblib.parallel import BACKENDS

    lead()
    register_parallel_backend("loky", partial(BACKENDS["loky"], initializer=follow))
