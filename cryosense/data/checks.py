"""Images that no measurement of a particle looks like."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from cryosense.errors import ParticleDataError

from .stack import ParticleStack


def find_bad_particles(stack: ParticleStack, chunk_size: int) -> dict[int, str]:
    """Read the stack once, ``chunk_size`` images at a time: index -> "not finite" or "constant", for the images that are."""
    bad: dict[int, str] = {}
    for indices, images in stack.chunks(chunk_size):
        bad |= _bad(indices, images)
    return dict(sorted(bad.items()))


def refuse_bad(path: Path, numbers: Tensor, images: Tensor) -> None:
    """(b,) particle numbers, (b, 1, n, n): raises :class:`ParticleDataError` where one is not finite, or constant."""
    if bad := _bad(numbers, images):
        raise _unusable(path, bad)


def _bad(numbers: Tensor, images: Tensor) -> dict[int, str]:
    lowest, highest = images.flatten(1).aminmax(dim=1)  # NaN wins over any number in both
    finite = lowest.isfinite() & highest.isfinite()
    bad = {int(number): "not finite" for number in numbers[~finite]}
    return bad | {int(number): "constant" for number in numbers[finite & (lowest == highest)]}


def _unusable(path: Path, bad: dict[int, str]) -> ParticleDataError:
    listed = ", ".join(f"{number} ({why})" for number, why in list(bad.items())[:5])
    return ParticleDataError(
        f"{path}: {len(bad)} unusable particle(s), numbered from 0: {listed}; set data_checks.skip_bad=true to leave them out"
    )


def usable_particles(stack: ParticleStack, chunk_size: int, skip_bad: bool, among: Tensor | None = None) -> Tensor:
    """-> (n,) numbers of the particles that are finite and not constant, after one look at each, or at each of ``among``.

    Raises :class:`ParticleDataError`, which names the first of the others, unless ``skip_bad`` leaves them out.
    """
    numbers = torch.arange(len(stack)) if among is None else among
    found = find_bad_particles(stack if among is None else stack.select(among), chunk_size)
    bad = {int(numbers[position]): why for position, why in found.items()}
    if bad and not skip_bad:
        raise _unusable(stack.path, bad)
    return torch.tensor([number for number in numbers.tolist() if number not in bad], dtype=torch.int64)
