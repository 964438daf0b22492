"""Imports of a thousand modules and more, without a search for garbage among them."""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def nothing_is_garbage() -> Iterator[None]:
    """Keep Python's collector from searching what the block imports, now and later, and what is left when the process ends.

    Modules stay until the end, which frees them anyway; to search them costs a quarter of an import's time. For everything
    else the collector does its work.
    """
    atexit.register(gc.freeze)
    before, was_on = len(sys.modules), gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) > before:
            gc.freeze()
        if was_on:
            gc.enable()
