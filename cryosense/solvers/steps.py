"""Single steps of the proximal algorithms, each written once: run to convergence by :func:`.converging.converge`, or unrolled.

The steps of ADMM and of accelerated proximal gradient work on nothing in place, so that gradients flow through them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

Map = Callable[[Tensor], Tensor]


class ADMMState(NamedTuple):
    """Of ADMM as Douglas-Rachford splitting on one variable, (b, 1, n, n) each."""

    z: Tensor  # the estimate
    s: Tensor  # what the next step begins with
    x: Tensor  # what the data step made of the last s


def admm_step(data_step: Map, prox: Map, relaxation: float | Tensor, state: ADMMState) -> ADMMState:
    """-> after one step of over-relaxed ADMM.

    ``data_step(z)`` is argmin f(x) + rho |x - z|^2 / 2 and ``prox(v)`` is argmin g(x) + rho |x - v|^2 / 2 with one rho.
    """
    x = data_step(state.s)
    z = prox(torch.lerp(state.s, x, 2.0))
    return ADMMState(z, (relaxation * (z - x)).add_(state.s), x)


class SplitState(NamedTuple):
    """Of ADMM with a second constraint d = K z, whose multipliers are u (b, 1, n, n) and v (b, ...)."""

    z: Tensor  # the estimate
    kz: Tensor  # K z
    u: Tensor
    v: Tensor
    x: Tensor  # what the data step made of the last z - u
    d: Tensor  # what shrinking made of the last K z - v


class Splitting(NamedTuple):
    """phi(K x) as a step sees it: ``shrink`` is for the penalty ``coupling`` * rho, ``solve`` is (1 + coupling K^T K)^-1."""

    analysis: Map
    analysis_adjoint: Map
    shrink: Map
    solve: Map
    coupling: float | Tensor  # (b, 1, 1, 1) where it is one for each image


def split_step(data_step: Map, split: Splitting, relaxation: float, state: SplitState) -> SplitState:
    """-> after one step of ADMM on x = z and d = K z, for priors whose prox is not explicit.

    The first block (x, d) and the second (z) are both exact, so this is two-block ADMM.
    """
    x, d = data_step(state.z - state.u), split.shrink(state.kz - state.v)
    u = state.u + torch.lerp(state.z, x, relaxation)
    v = state.v + torch.lerp(state.kz, d, relaxation)
    z = split.solve(split.analysis_adjoint(v).mul_(split.coupling).add_(u))
    kz = split.analysis(z)
    return SplitState(z, kz, u.sub_(z), v.sub_(kz), x, d)


class FISTAState(NamedTuple):
    """Of accelerated proximal gradient."""

    x: Tensor  # (b, 1, n, n) the estimate
    point: Tensor  # (b, 1, n, n) extrapolated from it
    momentum: Tensor  # (b, 1, 1, 1)


def fista_step(gradient: Map, prox: Map, momentum_factor: float | Tensor, state: FISTAState) -> FISTAState:
    """-> after one step of FISTA (Beck and Teboulle 2009) with gradient-based restart, per image.

    ``gradient(x)`` is the gradient of f times the step 1 / L, and ``prox`` belongs to the same step. ``momentum_factor``
    multiplies the length of the extrapolation. Gradients do not flow through the decision to restart.
    """
    point, before = state.point, state.x
    x = prox(point - gradient(point))
    uphill = image_sum(((point - x) * (x - before)).detach()).reshape(-1, 1, 1, 1) > 0
    momentum = torch.where(uphill, 1.0, state.momentum)
    following = (1 + torch.sqrt(1 + 4 * momentum**2)) / 2
    return FISTAState(x, x + momentum_factor * (momentum - 1) / following * (x - before), following)


def image_sum(x: Tensor) -> Tensor:
    """(b, ...) -> (b,): the sum of each, rows first.

    In one go the sum of a single large image would be shared out among threads, and so be another than that of the same image
    among others.
    """
    return x.reshape(len(x), -1, x.shape[-1]).sum(-1).sum(-1)
