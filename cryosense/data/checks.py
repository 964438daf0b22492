"""Images that no measurement of a particle looks like."""

from __future__ import annotations

from .stack import ParticleStack


def find_bad_particles(stack: ParticleStack, chunk_size: int) -> dict[int, str]:
    """Read the stack once, ``chunk_size`` images at a time: index -> "not finite" or "constant", for the images that are."""
    bad: dict[int, str] = {}
    for indices, images in stack.chunks(chunk_size):
        lowest, highest = images.flatten(1).aminmax(dim=1)  # NaN wins over any number in both
        finite = lowest.isfinite() & highest.isfinite()
        bad |= {int(index): "not finite" for index in indices[~finite]}
        bad |= {int(index): "constant" for index in indices[finite & (lowest == highest)]}
    return dict(sorted(bad.items()))
