"""Images that no measurement of a particle looks like."""

from __future__ import annotations

from .stack import ParticleStack


def find_bad_particles(stack: ParticleStack, chunk_size: int) -> dict[int, str]:
    """Read the stack once, ``chunk_size`` images at a time: index -> "not finite" or "constant", for the images that are."""
    bad: dict[int, str] = {}
    for indices, images in stack.chunks(chunk_size):
        flat = images.flatten(1)
        finite = flat.isfinite().all(1)
        constant = flat.amax(1) == flat.amin(1)
        bad |= {int(index): "not finite" for index in indices[~finite]}
        bad |= {int(index): "constant" for index in indices[finite & constant]}
    return dict(sorted(bad.items()))
