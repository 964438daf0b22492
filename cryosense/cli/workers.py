"""Worker processes of a sweep: they begin as commands do, and end with the process that started them."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from typing import Any

from cryosense.cli.importing import lean_torch, nothing_is_garbage
from cryosense.cli.listeners import speak_to_whoever_listens
from cryosense.runs.signals import follow, lead


def lead_workers(verb: str, killed: Callable[[], object] = lambda: None) -> None:
    """Let workers of joblib follow this process from their first moment on, and import what a verb works with as it did.

    Args:
        killed: called after joblib has killed them, as it does when this process is stopped: they cannot clear up any more.
    """
    from joblib import register_parallel_backend
    from joblib.parallel import BACKENDS

    loky: Any = BACKENDS["loky"]

    class ClearedUp(loky):
        def abort_everything(self, ensure_ready: bool = True) -> Any:
            """Kill the workers, as joblib does, and clear up after them."""
            super().abort_everything(ensure_ready)
            killed()

    lead()
    register_parallel_backend("loky", partial(ClearedUp, initializer=partial(_begin, verb)))


def _begin(verb: str) -> None:
    follow()
    speak_to_whoever_listens()
    lean_torch()
    with nothing_is_garbage():
        importlib.import_module(f"cryosense.cli.{verb.replace('-', '_')}")
