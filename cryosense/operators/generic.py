"""What any linear operator's forward map and adjoint alone tell about it, and at what cost.

- Pseudo-inverse and data step: conjugate gradients in float64, to a relative residual of 1e-10 of the normal equations, at
  most 1,000 iterations.
- Largest singular value: power iteration in float64 until it grows by less than 1e-9; a lower bound.
- Row norms: as many adjoints as an image has measurements.
- Row coordinates, shares of Fourier coefficients: as many adjoints, and an eigenvalue decomposition of A A^T or A^T A,
  whichever is smaller; refused above 4,096 numbers (minutes). Singular values below 1e-6 of the largest count as zero.
- Rank: exact by that decomposition up to 1,024 numbers; above that, unless the decomposition exists already, an unbiased
  estimate from 32 random images (Hutchinson 1990), with a standard error of at most ``sqrt(rank (1 - rank / n^2) / 16)``,
  which is 0.6 per cent at 128 px and C = 2.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from cryosense import fourier
from cryosense.errors import DecompositionError
from cryosense.solvers.linear import Map, conjugate_gradients, inner

TOLERANCE, MAX_ITERATIONS = 1e-10, 1000
SMALLEST = 1e-6  # singular value, relative to the largest, that does not count as zero
EXACT_RANK, MOST_FACTORISED = 1024, 4096
PROBES, AT_ONCE = 32, 64


def per_image(values: Tensor, ndim: int) -> Tensor:
    """Return values (b,) as (b, 1, ..., 1) with ``ndim`` axes, to broadcast over measurements."""
    return values.reshape(-1, *(1,) * (ndim - 1))


def squares(x: Tensor) -> Tensor:
    """Return the squared Euclidean norm of each item of (b, ...), as (b,)."""
    return x.flatten(1).square().sum(1)


def pseudo_inverse(forward: Map, adjoint: Map, y: Tensor) -> Tensor:
    """Return the smallest solution, ``A^+ y`` (b, 1, n, n): conjugate gradients from zero never leave the row space."""
    return conjugate_gradients(
        lambda x: adjoint(forward(x)), adjoint(y), lambda r: r, tolerance=TOLERANCE, max_iterations=MAX_ITERATIONS
    )[0]


def data_step(forward: Map, adjoint: Map, y: Tensor, rho: float | Tensor) -> Map:
    """Return the function that maps images z to ``argmin_x |A x - y|^2 + rho |x - z|^2``."""

    def step(z: Tensor) -> Tensor:
        change, _, _ = conjugate_gradients(
            lambda x: adjoint(forward(x)) + rho * x,
            adjoint(y - forward(z)),
            lambda r: r,
            tolerance=TOLERANCE,
            max_iterations=MAX_ITERATIONS,
        )
        return z + change

    return step


def pictures(y: Tensor) -> Tensor:
    """Return measurements (b, ...) as pictures (b, h, w): of their last two axes, or of a row of numbers in equal lines.

    What the last line lacks is zero.
    """
    if y.ndim > 2:
        return y.reshape(len(y), -1, y.shape[-1])
    width = math.isqrt(max(0, y.shape[1] - 1)) + 1
    return torch.nn.functional.pad(y, (0, -y.shape[1] % width)).reshape(len(y), -1, width)


def random_images(like: Tensor, count: int, seed: int) -> Tensor:
    """Return ``count`` random images of -1 and 1, (count, p, 1, n, n), the same for each of the p mask sets of ``like``."""
    signs = torch.randint(0, 2, (count, 1, *like.shape[1:]), generator=torch.Generator().manual_seed(seed))
    return (2.0 * signs - 1).to(like).expand(count, *like.shape)


def largest_singular_value(forward: Map, adjoint: Map, like: Tensor) -> Tensor:
    """Return the largest singular value for each mask set, (p,), given images ``like`` (p, 1, n, n)."""
    x = random_images(like, 1, seed=0)[0]
    value = torch.zeros(len(like), dtype=like.dtype, device=like.device)
    for _ in range(MAX_ITERATIONS):
        x = x / inner(x, x).sqrt().clamp_min(torch.finfo(x.dtype).tiny)
        y = forward(x)
        before, value = value, squares(y).sqrt()
        if bool((value <= before * (1 + 1e-9)).all()):
            break
        x = adjoint(y)
    return value


def estimated_rank(pinv: Map, forward: Map, like: Tensor) -> Tensor:
    """Estimate the rank for each mask set, (p,) int64, as the trace of A^+ A over random images."""
    traces = [inner(z, pinv(forward(z))).flatten() for z in random_images(like, PROBES, seed=1)]
    return torch.stack(traces).mean(0).round().long()


def columns(linear: Map, like: Tensor) -> Iterator[Tensor]:
    """Yield the images under a linear map of unit vectors shaped (p, ...), flattened, a few at a time: (p, few, m)."""
    p, shape = len(like), like.shape[1:]
    for start in range(0, shape.numel(), AT_ONCE):
        numbers = torch.arange(start, min(start + AT_ONCE, shape.numel()), device=like.device)
        units = torch.nn.functional.one_hot(numbers, shape.numel()).to(like).reshape(-1, *shape)
        if p == 1:
            yield linear(units).flatten(1)[None]
        else:
            yield torch.stack([linear(unit.expand(p, *shape)).flatten(1) for unit in units], dim=1)


@dataclass(frozen=True)
class RowFacts:
    """Norms of the rows of A, (1 or b, ...), and whether all of A's entries are non-negative."""

    norms: Tensor
    adds_only: bool


def row_facts(adjoint: Map, like_y: Tensor) -> RowFacts:
    """Return the norms of the rows of A, and whether any entry is negative, for measurements shaped (p, ...)."""
    norms, adds_only = [], True
    for rows in columns(adjoint, like_y):
        norms.append(torch.linalg.vector_norm(rows, dim=2))
        adds_only = adds_only and bool((rows >= 0).all())
    return RowFacts(torch.cat(norms, dim=1).reshape(like_y.shape), adds_only)


@dataclass(frozen=True)
class Factors:
    """U, (1 or b, k, r), and D^-1, (1 or b, r), of ``A = U D V^T``; D^-1 is zero where the singular value is."""

    left: Tensor
    gain: Tensor

    def to(self, like: Tensor) -> Factors:
        """Return the same factors with the device and dtype of a tensor."""
        return Factors(self.left.to(like), self.gain.to(like))

    def coordinates(self, y: Tensor) -> Tensor:
        """Return ``D^-1 U^T y``, (b, r), as one product for each image, for the reason that ``bases.sandwich`` gives."""
        each = self.left.mT.expand(len(y), -1, -1)
        return self.gain * (each @ y.flatten(1)[..., None])[..., 0]

    def adjoint(self, c: Tensor) -> Tensor:
        """Return ``U D^-1 c``, (b, k), for row coordinates (b, r)."""
        return (self.left.expand(len(c), -1, -1) @ (self.gain * c)[..., None])[..., 0]


def factorised(forward: Map, adjoint: Map, like: Tensor, like_y: Tensor) -> Factors:
    """Return U and D^-1, decomposed from images shaped (p, 1, n, n) and measurements shaped (p, ...).

    Raises:
        DecompositionError: more than 4,096 numbers both in an image and in its measurement.
    """
    pixels, numbers = like[0].numel(), like_y[0].numel()
    if min(pixels, numbers) > MOST_FACTORISED:
        raise DecompositionError(
            f"{numbers} measurements of {pixels} pixels are too many to decompose an operator of which only forward and "
            f"adjoint are known (at most {MOST_FACTORISED} of either): derive it from Decomposed, or use smaller images"
        )

    def there_and_back(y: Tensor) -> Tensor:
        return forward(adjoint(y))

    def back_and_there(x: Tensor) -> Tensor:
        return adjoint(forward(x))

    smaller_in_y = numbers <= pixels
    gram = torch.cat(list(columns(there_and_back, like_y) if smaller_in_y else columns(back_and_there, like)), dim=1)
    squared, vectors = torch.linalg.eigh((gram + gram.mT) / 2)
    known = squared > squared[:, -1:] * SMALLEST**2
    gain = torch.where(known, squared.clamp_min(torch.finfo(squared.dtype).tiny).rsqrt(), 0.0)
    if smaller_in_y:
        return Factors(vectors, gain)
    matrix = torch.cat(list(columns(forward, like)), dim=1).mT  # (p, k, n^2)
    return Factors(matrix @ (vectors * gain[:, None]), gain)


def shares(row_adjoint: Map, gain: Tensor, box_size: int) -> Tensor:
    """Return the sum of ``|F v|^2`` over the basis v of the row space, on the centred plane (p, n, n), given D^-1 (p, r)."""
    plane = torch.zeros(len(gain), box_size, box_size, dtype=gain.dtype, device=gain.device)
    for rows in columns(row_adjoint, gain):
        plane += fourier.fftn(rows.reshape(*rows.shape[:2], box_size, box_size)).abs().square().sum(1)
    return plane
