"""Particles with two more stacks of them, made of either half of their frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cryosense.errors import ParticleDataError

from .opening import Metadata
from .pixel_sizes import HEADER_TOLERANCE
from .source import ParticleSource
from .stack import ParticleStack

KEY = "half_paths"


def open_with_halves(
    path: str | Path,
    half_paths: Sequence[str | Path],
    metadata: Metadata | None = None,
    clean_path: str | Path | None = None,
    root: str | Path | None = None,
    pixel_size_angstrom: float | None = None,
    name: str | None = None,
) -> ParticleSource:
    """Open a particle stack (see ``ParticleSource.open``) with the same particles from the odd and from the even frames.

    Args:
        half_paths: two stacks of the same particles in the same order, in the units of ``path``: averages of frames.

    Raises:
        ParticleDataError: halves that are not two stacks, are one and the same, or differ from ``path`` in number, box or
            pixel size; and whatever the stacks refuse.
    """
    source = ParticleSource.open(path, metadata, clean_path, root, pixel_size_angstrom, name)
    if isinstance(half_paths, str | Path) or len(half_paths) != 2:
        raise ParticleDataError(f"{KEY}={half_paths}: give two stacks, of the odd and of the even frames")
    one, other = (_half(each, source.images, root, pixel_size_angstrom) for each in half_paths)
    files = [{each.resolve() for each in stack.files} for stack in (one, other, source.images)]
    if files[0] & files[1] or (files[0] | files[1]) & files[2]:
        raise ParticleDataError(f"{KEY}: {half_paths[0]}, {half_paths[1]} and {path} share files: their noise is the same")
    return replace(source, halves=(one, other))


def _half(path: str | Path, whole: ParticleStack, root: str | Path | None, pixel_size_angstrom: float | None) -> ParticleStack:
    half = ParticleStack.open(path, root=root, pixel_size_angstrom=pixel_size_angstrom)
    if (len(half), half.box_size) != (len(whole), whole.box_size):
        raise ParticleDataError(
            f"{KEY}: {path} holds {len(half)} images of {half.box_size} px, {whole.path} {len(whole)} of {whole.box_size} px: "
            "give the same particles in the same order"
        )
    sizes, wanted = half.pixel_size_range_angstrom, whole.pixel_size_range_angstrom
    # 1 is what programs write that do not know it.
    if sizes is None or wanted is None or sizes == (1.0, 1.0):
        return half
    if any(abs(size - other) > HEADER_TOLERANCE * other for size, other in zip(sizes, wanted, strict=True)):
        raise ParticleDataError(
            f"{KEY}: {path} has pixels of {sizes[0]:g} Angstrom, {whole.path} of {wanted[0]:g}: give halves of the same "
            "images, or pixel_size_angstrom if a file is wrong"
        )
    return half
