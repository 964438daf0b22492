"""Single steps of the proximal algorithms, each written once: iterated by ``converging.converge``, or unrolled.

The steps of ADMM and of accelerated proximal gradient change nothing in place, so that gradients flow through them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

Map = Callable[[Tensor], Tensor]


class ADMMState(NamedTuple):
    """State of ADMM as Douglas-Rachford splitting on one variable, (b, 1, n, n) each."""

    z: Tensor  # the estimate
    s: Tensor  # what the next step begins with
    x: Tensor  # what the data step made of the last s


def admm_step(data_step: Map, prox: Map, relaxation: float | Tensor, state: ADMMState) -> ADMMState:
    """Return the state after one step of over-relaxed ADMM.

    ``data_step(z)`` is ``argmin_x f(x) + rho |x - z|^2 / 2`` and ``prox(v)`` is ``argmin_x g(x) + rho |x - v|^2 / 2``, with
    the same rho.
    """
    x = data_step(state.s)
    z = prox(torch.lerp(state.s, x, 2.0))
    return ADMMState(z, (relaxation * (z - x)).add_(state.s), x)


class SplitState(NamedTuple):
    """State of ADMM with a second constraint d = K z, whose scaled multipliers are ``p - z`` and ``q - K z``."""

    z: Tensor  # (b, 1, n, n) the estimate
    kz: Tensor  # (b, ...) K z
    p: Tensor  # (b, 1, n, n)
    q: Tensor  # (b, ...)
    coupling: Tensor  # (b, 1, 1, 1) penalty of d = K z over that of x = z


class Coupled(NamedTuple):
    """What a step does with a prior phi(K x) at one coupling."""

    taken: Map  # differences c -> the share of each, in [0, 1] and (b, ...), by which phi's prox draws it towards zero
    solve: Map  # (1 + coupling K^T K)^-1


class Splitting(NamedTuple):
    """A prior phi(K x), for couplings (b, 1, 1, 1)."""

    analysis: Map
    analysis_adjoint: Map
    coupled: Callable[[Tensor, Tensor], Coupled]  # of couplings, for images like these
    coupling: float | Tensor  # to begin with; (b, 1, 1, 1) where it is one for each image


def split_step(data_step: Map, split: Splitting, coupled: Coupled, relaxation: float, state: SplitState) -> SplitState:
    """Return the state after one step of ADMM on x = z and d = K z, for priors without an explicit prox.

    The first block (x, d) and the second (z) are both exact, so this is two-block ADMM. With p and q instead of multipliers
    most of it is one pass over memory each: d = c - taken(c) c, c = 2 K z - q, and q becomes ``q + relaxation (d - K z)``.
    """
    x = data_step(torch.lerp(state.p, state.z, 2.0))
    p = torch.add(state.p, x - state.z, alpha=relaxation)
    c = torch.lerp(state.q, state.kz, 2.0)
    q = torch.lerp(state.q, state.kz, relaxation).addcmul_(c, coupled.taken(c), value=-relaxation)
    z = coupled.solve(torch.addcmul(p, split.analysis_adjoint(q), state.coupling))
    return SplitState(z, split.analysis(z), p, q, state.coupling)


class FISTAState(NamedTuple):
    """State of accelerated proximal gradient."""

    x: Tensor  # (b, 1, n, n) the estimate
    point: Tensor  # (b, 1, n, n) extrapolated from it
    momentum: Tensor  # (b, 1, 1, 1)


def fista_step(gradient: Map, prox: Map, momentum_factor: float | Tensor, state: FISTAState) -> FISTAState:
    """Return the state after one step of FISTA (Beck and Teboulle 2009) with gradient-based restart, per image.

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
    """Return the sum of each image, (b,), taken over rows first.

    In a single sum, a large image on its own would be split among threads, and so be rounded differently from the same image
    in a batch.
    """
    return x.reshape(len(x), -1, x.shape[-1]).sum(-1).sum(-1)
