"""Linear systems on batches: one system per image, each stopped on its own."""

from __future__ import annotations

import torch
from torch import Tensor

from cryosense.solvers.steps import Map, image_sum


def inner(a: Tensor, b: Tensor) -> Tensor:
    """Return the inner product of each pair of images, (b, 1, ..., 1), ready to broadcast."""
    return image_sum(a * b).reshape(-1, *(1,) * (a.ndim - 1))


def conjugate_gradients(
    system: Map, rhs: Tensor, precondition: Map, *, tolerance: float, max_iterations: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Solve ``system(x) = rhs`` for each image; ``system`` must be positive definite on the span of ``rhs``.

    An image whose residual falls below ``tolerance`` times its right-hand side is frozen: its step is zero from then on, so
    that the iterations other images still need cannot make it drift by rounding. So is an image that meets a direction p with
    ``p^T system(p) <= 0``: its system is not positive definite, no step along p leads towards a solution, and it keeps what it
    had, with a residual that says so. The preconditioned conjugate gradient method of Hestenes and Stiefel, with one set of
    scalars per image.

    Returns:
        The solution (b, ...), the iterations that changed it, (b,) int64, and the relative residual (b,).
    """
    x = torch.zeros_like(rhs)
    r = rhs
    z = p = precondition(r)
    rz = inner(r, z)
    nothing = torch.zeros_like(rz)
    floor = torch.finfo(rhs.dtype).tiny
    squares = inner(rhs, rhs)
    goal = tolerance**2 * squares
    iterations = torch.zeros(rhs.shape[0], dtype=torch.int64, device=rhs.device)
    active = squares > goal
    for _ in range(max_iterations):
        sp = system(p)
        curvature = inner(p, sp)
        active = active & (curvature > floor)
        iterations += active.flatten()
        alpha = torch.where(active, rz / curvature, nothing)
        x, r = torch.addcmul(x, alpha, p), torch.addcmul(r, alpha, sp, value=-1)
        active = active & (inner(r, r) > goal)
        if not bool(active.any()):  # after the step, which does nothing where there was nothing to solve
            break
        z = precondition(r)
        rz, before = inner(r, z), rz
        p = torch.addcmul(z, torch.where(active, rz / before, nothing), p)
    residual = (inner(r, r) / squares.clamp_min(floor)).sqrt().flatten()
    return x, iterations, residual
