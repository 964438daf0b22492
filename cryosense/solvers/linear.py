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
    r = rhs.clone()
    z = precondition(r)
    p = z.clone()
    rz = inner(r, z)
    floor = torch.finfo(rhs.dtype).tiny
    goal = tolerance**2 * inner(rhs, rhs)
    iterations = torch.zeros(rhs.shape[0], dtype=torch.int64, device=rhs.device)
    active = inner(r, r) > goal
    for _ in range(max_iterations):
        if not bool(active.any()):
            break
        sp = system(p)
        curvature = inner(p, sp)
        active = active & (curvature > 0)
        alpha = torch.where(active, rz / curvature.clamp_min(floor), 0.0)
        x = x + alpha * p
        r = r - alpha * sp
        z = precondition(r)
        rz_next = inner(r, z)
        p = torch.where(active, z + rz_next / rz.clamp_min(floor) * p, p)
        rz = torch.where(active, rz_next, rz)
        iterations += active.flatten()
        active = active & (inner(r, r) > goal)
    residual = (inner(r, r) / inner(rhs, rhs).clamp_min(floor)).sqrt().flatten()
    return x, iterations, residual
