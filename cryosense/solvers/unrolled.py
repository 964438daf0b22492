"""Single iterations of the proximal algorithms, free of stopping and of work in place, for gradients to flow through.

Repeated with constants they are :func:`.proximal.admm` and :func:`.proximal.fista`; unrolled, each iteration has its own.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Map = Callable[[Tensor], Tensor]


def admm_iteration(data_step: Map, prox: Map, relaxation: float | Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
    """(b, 1, n, n) -> s and z, (b, 1, n, n) each: one step of over-relaxed ADMM as :func:`.proximal.admm` takes it."""
    x = data_step(s)
    z = prox(torch.lerp(s, x, 2.0))
    return s + relaxation * (z - x), z


def fista_iteration(
    gradient: Map, prox: Map, momentum_factor: float | Tensor, x: Tensor, point: Tensor, momentum: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """(b, 1, n, n), (b, 1, n, n), (b, 1, 1, 1) -> the same after one step of :func:`.proximal.fista`, its restart included.

    ``momentum_factor`` multiplies the length of the extrapolation. Gradients do not flow through the decision to restart.
    """
    before, x = x, prox(point - gradient(point))
    uphill = ((point - x) * (x - before)).detach().flatten(1).sum(1).reshape(-1, 1, 1, 1) > 0
    momentum = torch.where(uphill, 1.0, momentum)
    following = (1 + torch.sqrt(1 + 4 * momentum**2)) / 2
    return x, x + momentum_factor * (momentum - 1) / following * (x - before), following
