"""Proximal algorithms on callables: minimise f(x) + g(x) for a batch, each image stopped by its own criterion."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

Map = Callable[[Tensor], Tensor]
Restrict = Callable[[Tensor], Map]  # indices of images (k,) -> the data step of these images alone


class Solution(NamedTuple):
    """Result of a batched solve."""

    x: Tensor  # (b, 1, n, n)
    iterations: Tensor  # (b,) int64
    gap: Tensor  # (b,) relative fixed-point gap where each image stopped


def length(x: Tensor) -> Tensor:
    """(b, ...) -> (b,): Euclidean norm of each image."""
    return torch.linalg.vector_norm(x.flatten(1), dim=1)


def relative(change: Tensor, scale: Tensor) -> Tensor:
    """(b, ...), (b, ...) -> (b,): norm of the change over norm of the scale; 0 / 0 is 0."""
    return length(change) / length(scale).clamp_min(torch.finfo(scale.dtype).tiny)


class _Stopping:
    """Keeps each image's first iterate below the tolerance, so that its result does not depend on its neighbours."""

    def __init__(self, start: Tensor, tolerance: float, restrict: Restrict | None) -> None:
        count, device = start.shape[0], start.device
        self.tolerance, self.restrict = tolerance, restrict
        self.x = start.clone()
        self.iterations = torch.zeros(count, dtype=torch.int64, device=device)
        self.gap = torch.full((count,), torch.inf, dtype=start.dtype, device=device)
        self.images = torch.arange(count, device=device)  # that are iterated
        self.running = torch.ones(count, dtype=torch.bool, device=device)  # of these, still above the tolerance

    def record(self, x: Tensor, gap: Tensor, iteration: int) -> bool:
        """-> whether all images have stopped."""
        rows = self.images[self.running]
        self.x[rows], self.gap[rows] = x[self.running], gap[self.running]
        self.iterations[rows] = iteration
        self.running = self.running & ~(gap <= self.tolerance)
        return not bool(self.running.any())

    def thinned(self, data_step: Map, *state: Tensor) -> tuple[Any, ...]:
        """-> data step and state of the images that go on, once a quarter of them have stopped; until then, what came in."""
        if self.restrict is None or 4 * int(self.running.sum()) > 3 * len(self.running):
            return data_step, *state
        going_on = self.running
        self.images, self.running = self.images[going_on], going_on[going_on]
        return self.restrict(self.images), *(part[going_on] for part in state)

    def solution(self) -> Solution:
        return Solution(self.x, self.iterations, self.gap)


def admm(
    data_step: Map,
    prox: Map,
    start: Tensor,
    *,
    restrict: Restrict | None,
    relaxation: float,
    tolerance: float,
    max_iterations: int,
    check_every: int,
) -> Solution:
    """(b, 1, n, n) -> minimiser of f + g by over-relaxed ADMM, written as Douglas-Rachford splitting on one variable.

    ``data_step(z)`` is argmin f(x) + rho |x - z|^2 / 2 and ``prox(v)`` is argmin g(x) + rho |x - v|^2 / 2 with one rho. The
    gap is that of the fixed point, relative to |z|: the larger of |x - z| (primal residual) and |z - z_before| (dual). With
    ``restrict``, images that have stopped are left out of the work as soon as they are a quarter of it.
    """
    stopping = _Stopping(start, tolerance, restrict)
    s = start.clone()
    z = start
    for iteration in range(1, max_iterations + 1):
        x = data_step(s)
        before, z = z, prox(torch.lerp(s, x, 2.0))
        step = z - x
        if iteration % check_every == 0 or iteration == max_iterations:
            gap = torch.maximum(relative(step, z), relative(z - before, z))
            if stopping.record(z, gap, iteration):
                break
            data_step, s, z, step = stopping.thinned(data_step, s, z, step)
        s.add_(step, alpha=relaxation)
    return stopping.solution()


def split_admm(
    data_step: Map,
    analysis: Map,
    analysis_adjoint: Map,
    shrink: Map,
    solve: Map,
    start: Tensor,
    *,
    restrict: Restrict | None,
    coupling: float,
    relaxation: float,
    tolerance: float,
    max_iterations: int,
    check_every: int,
) -> Solution:
    """(b, 1, n, n) -> minimiser of f(x) + phi(d) with x = z and d = K z, for priors whose prox is not explicit.

    ``data_step`` belongs to the penalty rho of x = z, ``shrink`` to the penalty ``coupling`` * rho of d = K z, and ``solve``
    is (1 + coupling K^T K)^-1. The first block (x, d) and the second (z) are both exact, so this is two-block ADMM. The gap
    is as in :func:`admm`, both constraints taken together in the metric of their penalties.
    """
    stopping = _Stopping(start, tolerance, restrict)
    z, kz = start, analysis(start)
    u, v = torch.zeros_like(z), torch.zeros_like(kz)
    for iteration in range(1, max_iterations + 1):
        x, d = data_step(z - u), shrink(kz - v)
        u += torch.lerp(z, x, relaxation)
        v += torch.lerp(kz, d, relaxation)
        before, kz_before = z, kz
        z = solve(analysis_adjoint(v).mul_(coupling).add_(u))
        kz = analysis(z)
        u -= z
        v -= kz
        if iteration % check_every == 0 or iteration == max_iterations:
            scale = _joint_length(z, kz, coupling).clamp_min(torch.finfo(z.dtype).tiny)
            primal, dual = _joint_length(x - z, d - kz, coupling), _joint_length(z - before, kz - kz_before, coupling)
            if stopping.record(z, torch.maximum(primal, dual) / scale, iteration):
                break
            data_step, z, kz, u, v = stopping.thinned(data_step, z, kz, u, v)
    return stopping.solution()


def _joint_length(x: Tensor, d: Tensor, coupling: float) -> Tensor:
    """(b, ...), (b, ...) -> (b,): sqrt(|x|^2 + coupling |d|^2)."""
    return torch.hypot(length(x), math.sqrt(coupling) * length(d))


def fista(
    gradient: Map,
    prox: Map,
    start: Tensor,
    *,
    gap_per_change: float,
    tolerance: float,
    max_iterations: int,
    check_every: int,
) -> Solution:
    """(b, 1, n, n) -> minimiser of f + g by FISTA (Beck and Teboulle 2009) with gradient-based restart, per image.

    ``gradient(x)`` is the gradient of f times the step 1 / L, and ``prox`` belongs to the same step. The gap is the change
    |x - p| / |x| from the extrapolated point p to x = prox(p - gradient(p)), times ``gap_per_change``: L over the typical
    curvature of f, so that a short step does not look like a small gap.
    """
    stopping = _Stopping(start, tolerance, None)
    x = point = start
    momentum = torch.ones(start.shape[0], 1, 1, 1, dtype=start.dtype, device=start.device)
    for iteration in range(1, max_iterations + 1):
        before, x = x, prox(point - gradient(point))
        if iteration % check_every == 0 or iteration == max_iterations:
            gap = gap_per_change * relative(x - point, x)
            if stopping.record(x, gap, iteration):
                break
        uphill = ((point - x) * (x - before)).flatten(1).sum(1).reshape(-1, 1, 1, 1) > 0
        momentum = torch.where(uphill, 1.0, momentum)
        following = (1 + torch.sqrt(1 + 4 * momentum**2)) / 2
        point = x + (momentum - 1) / following * (x - before)
        momentum = following
    return stopping.solution()
