"""From the best cell of a grid to the best pose: Gauss-Newton steps on the likelihood itself, with Levenberg's damping."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from cryosense.alignment.coefficients import Matched
from cryosense.alignment.reference import Reference

STEP_RADIANS = 3e-3  # of the differences from which derivatives along rotations are computed
FIRST_STEPS, LAST_STEPS = 2, 4  # from each start, and from the best of them
LEAST_PIVOT = 1e-12  # directions without any information get this much
FIRST_DAMPING, EASE, STIFFEN = 1e-3, 0.1, 10.0


class Polished(NamedTuple):
    """Poses of b particles: rotations (b, 3, 3), origins (b, 2) in pixels, log L (b,), and information on five coordinates.

    The coordinates are rotations about the image's x, y and z axis in radians and the origin's x and y in pixels; the inverse
    of ``information`` (b, 5, 5) is their variance around the best pose.
    """

    rotations: Tensor
    origins_pixels: Tensor
    log_likelihood: Tensor
    information: Tensor


@torch.no_grad()
def polished(reference: Reference, particles: Matched, rotations: Tensor, origins_pixels: Tensor) -> Polished:
    """Return the highest of the likelihood's maxima near starts (b, c, 3, 3), (b, c, 2).

    A likelihood that is sharper than the grid has maxima beside the right one: hence several starts, of which the best goes on
    after two steps.
    """
    count = rotations.shape[1]
    repeated = Matched(*(values.repeat_interleave(count, 0) for values in particles))
    tried = _climbed(reference, repeated, rotations.flatten(0, 1), origins_pixels.flatten(0, 1), FIRST_STEPS)
    best = tried.log_likelihood.unflatten(0, (-1, count)).argmax(1)
    rows = torch.arange(len(best), device=best.device) * count + best
    return _climbed(reference, particles, tried.rotations[rows], tried.origins_pixels[rows], LAST_STEPS)


def _climbed(reference: Reference, particles: Matched, rotations: Tensor, origins_pixels: Tensor, steps: int) -> Polished:
    damping = torch.full((len(rotations), 1, 1), FIRST_DAMPING, dtype=torch.float64, device=rotations.device)
    here = _expanded(reference, particles, rotations, origins_pixels)
    for _ in range(steps):
        scale = here.information.diagonal(dim1=1, dim2=2).diag_embed() + 1e-12
        step = (inverse(here.information + damping * scale) * here.slope[:, None]).sum(-1)
        moved = (here.rotations @ turned(step[:, :3]), here.origins_pixels + step[:, 3:])
        tried = _expanded(reference, particles, *moved)
        better = tried.log_likelihood > here.log_likelihood
        here = _Expansion(*(torch.where(_like(better, new), new, old) for new, old in zip(tried, here, strict=True)))
        damping = damping * torch.where(_like(better, damping), EASE, STIFFEN)
    return Polished(here.rotations, here.origins_pixels, here.log_likelihood, here.information)


class _Expansion(NamedTuple):
    rotations: Tensor
    origins_pixels: Tensor
    log_likelihood: Tensor
    slope: Tensor
    information: Tensor


def _expanded(reference: Reference, particles: Matched, rotations: Tensor, origins_pixels: Tensor) -> _Expansion:
    """Return log L, its slope (b, 5) and the information (b, 5, 5) there, in float64 from products in float32."""
    disc = reference.disc
    count = particles.numerator.shape[-1]
    small = turned(STEP_RADIANS * torch.eye(3, dtype=torch.float64, device=rotations.device))
    around = torch.cat([rotations[:, None], rotations[:, None] @ small], dim=1)
    slices = reference(around.float(), count) * disc.phases(origins_pixels, count)[:, None]
    centre = slices[:, 0]
    along = (slices[:, 1:] - slices[:, :1]) / STEP_RADIANS
    frequency = 2j * torch.pi / disc.box_size * disc.positions[:count].T  # d s / d origin = i frequency s
    derivatives = _real(torch.cat([along, centre[:, None] * frequency], dim=1))  # (b, 5, 2 k)
    residual = particles.numerator - particles.weight * centre
    # Products of each particle's own matrices, whose rounding does not depend on other particles.
    slope = 2 * (derivatives @ _real(residual)[..., None])[..., 0]
    information = 2 * (derivatives * particles.weight.repeat_interleave(2, -1)[:, None]) @ derivatives.transpose(1, 2)
    value = _real(centre)[:, None] @ _real(particles.numerator + residual)[..., None]
    return _Expansion(rotations, origins_pixels, value[:, 0, 0].double(), slope.double(), information.double())


def _real(values: Tensor) -> Tensor:
    return torch.view_as_real(values).flatten(-2)


def inverse(matrices: Tensor) -> Tensor:
    """Return the inverses of positive definite matrices (b, m, m) float64, by Gauss-Jordan elimination.

    Element by element: LAPACK's routines round differently with how a matrix lies in memory, hence with its place in the
    batch.
    """
    size = matrices.shape[-1]
    made = torch.cat([matrices, torch.eye(size, dtype=matrices.dtype, device=matrices.device).expand_as(matrices)], dim=2)
    for row in range(size):
        pivot = made[:, row] / made[:, row, row, None].clamp_min(LEAST_PIVOT)
        made = made - made[:, :, row, None] * pivot[:, None]
        made[:, row] = pivot
    return made[..., size:]


def turned(vectors: Tensor) -> Tensor:
    """Return the rotations (..., 3, 3), acting on image coordinates, of vectors (..., 3): axis times angle in radians."""
    x, y, z = vectors.unbind(-1)
    zero = torch.zeros_like(x)
    return torch.linalg.matrix_exp(torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1).unflatten(-1, (3, 3)))


def _like(chosen: Tensor, values: Tensor) -> Tensor:
    return chosen.reshape(-1, *(1,) * (values.ndim - 1))
