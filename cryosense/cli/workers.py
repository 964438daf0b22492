"""Worker processes of a sweep: they begin as commands do, and end with the process that started them."""

from __future__ import annotations

import importlib
from functools import partial

from cryosense.cli.importing import lean_torch, nothing_is_garbage
from cryosense.cli.listeners import speak_to_whoever_listens
from cryosense.runs.signals import follow, lead


def lead_workers(verb: str) -> None:
    """Let workers of joblib follow this process from their first moment on, and import what a verb works with as it did."""
    from joblib import register_parallel_backend
    from joblib.parallel import BACKENDS

    lead()
    register_parallel_backend("loky", partial(BACKENDS["loky"], initializer=partial(_begin, verb)))


def _begin(verb: str) -> None:
    follow()
    speak_to_whoever_listens()
    lean_torch()
    with nothing_is_garbage():
        importlib.import_module(f"cryosense.cli.{verb.replace('-', '_')}")
