"""Single precision that is kept: on a GPU torch lets convolutions round what they multiply to ten bits (TF32) unless told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import torch


class _Kept:
    """How many are inside, and what gives back the setting that the first of them found."""

    def __init__(self) -> None:
        self.lock, self.inside = Lock(), 0
        self.give_back: Callable[[], None] = lambda: None


_KEPT = _Kept()


@contextmanager
def float32_kept() -> Iterator[None]:
    """Compute convolutions of float32 numbers in float32; what the process allowed before, it allows again afterwards.

    Torch has one setting for all threads, so that others keep float32 too as long as any is inside. A lower precision that is
    asked for (autocast) stays lower. Products of matrices are left alone: torch computes them in float32 unless it is told
    otherwise.
    """
    with _KEPT.lock:
        if _KEPT.inside == 0:
            _KEPT.give_back = _forbid()
        _KEPT.inside += 1
    try:
        yield
    finally:
        with _KEPT.lock:
            _KEPT.inside -= 1
            if _KEPT.inside == 0:
                _KEPT.give_back()


def _forbid() -> Callable[[], None]:
    """Forbid TF32 in convolutions, and return what sets this as it was."""
    backend = torch.backends.cudnn
    try:
        allowed = backend.allow_tf32
    except RuntimeError:  # some of it was set by torch's newer names, which then count
        convolutions: Any = backend.conv  # type: ignore[attr-defined]  # not in older versions
        before = convolutions.fp32_precision
        convolutions.fp32_precision = "ieee"
        return lambda: setattr(convolutions, "fp32_precision", before)
    backend.allow_tf32 = False
    return lambda: setattr(backend, "allow_tf32", allowed)
