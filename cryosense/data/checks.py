"""Images that no measurement of a particle looks like."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from .stack import ParticleStack
from .survey import Survey, look, survey_of, why_not


def find_bad_particles(stack: ParticleStack, chunk_size: int) -> dict[int, str]:
    """Read the stack once, ``chunk_size`` images at a time, and return which are "not finite" or "constant", by index."""
    return survey_of(stack, chunk_size).bad


def refuse_bad(path: Path, numbers: Tensor, images: Tensor) -> None:
    """Raise ParticleDataError if one of the images (b, 1, n, n) with these numbers (b,) is not finite, or constant."""
    if why_not(images).any():
        Survey.of([look(images)]).usable(path, False, numbers)


def usable_particles(stack: ParticleStack, chunk_size: int, skip_bad: bool, among: Tensor | None = None) -> Tensor:
    """Return the numbers (n,) of the particles that are finite and not constant, reading all, or those ``among``, once.

    Raises:
        ParticleDataError: naming the first of the others, unless ``skip_bad`` leaves them out.
    """
    numbers = torch.arange(len(stack)) if among is None else among
    found = survey_of(stack if among is None else stack.select(among), chunk_size)
    return found.usable(stack.path, skip_bad, numbers)
