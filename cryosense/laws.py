"""Laws that objects of a kind must obey; an error names the one that is broken."""

from __future__ import annotations

import torch
from torch import Tensor


class LawError(AssertionError):
    """An object breaks a law of its kind; the message says which, and by how much."""


def hold(law: str, held: bool) -> None:
    """Raise LawError, naming the law, if it does not hold."""
    if not held:
        raise LawError(f"{law}: does not hold")


def equal(law: str, ours: Tensor, theirs: Tensor, tolerance: float, scale: float | None = None) -> None:
    """Raise LawError if shapes differ, or values by more than ``tolerance`` times ``scale``, by default their largest."""
    if ours.shape != theirs.shape:
        raise LawError(f"{law}: shapes {tuple(ours.shape)} and {tuple(theirs.shape)}")
    scale = float(theirs.abs().max()) if scale is None else scale
    apart = float((ours - theirs).abs().max())
    if not apart <= tolerance * max(scale, torch.finfo(torch.float32).tiny):
        raise LawError(f"{law}: differ by {apart:.3g}, and {tolerance * scale:.1g} is allowed")
