"""Proximal algorithms on callables: minimise f(x) + g(x) for a batch, run by ``converging.converge``."""

from __future__ import annotations

import torch
from torch import Tensor

from cryosense.solvers.converging import Algorithm, length, relative
from cryosense.solvers.steps import (
    ADMMState,
    Coupled,
    FISTAState,
    Map,
    SplitState,
    Splitting,
    admm_step,
    fista_step,
    split_step,
)


class ADMM(Algorithm):
    """Over-relaxed ADMM; see ``admm_step``.

    The gap is that of the fixed point, relative to |z|: the larger of |x - z| (primal residual) and |z - z_before| (dual).
    """

    def __init__(self, data_step: Map, prox: Map, relaxation: float = 1.8) -> None:
        self.data_step, self.prox, self.relaxation = data_step, prox, relaxation

    def begin(self, start: Tensor) -> ADMMState:
        return ADMMState(start, start, start)

    def step(self, state: ADMMState) -> ADMMState:
        return admm_step(self.data_step, self.prox, self.relaxation, state)

    def gap(self, before: ADMMState, after: ADMMState) -> Tensor:
        return torch.maximum(relative(after.z - after.x, after.z), relative(after.z - before.z, after.z))


UNBALANCED = 1.5  # one residual over the other
BALANCE_BY = 2.0
LARGEST_CHANGE = 2.0**8  # of a coupling, from where it began


class SplitADMM(Algorithm):
    """ADMM on x = z and d = K z; see ``split_step``.

    The gap is as in ``ADMM``, with both constraints taken together in the metric of their penalties. Where one of
    |d - K z| and the change of K z is more than one and a half times the other, an image's coupling is doubled or halved:
    residual balancing (He, Yang and Wang 2000; Boyd et al. 2011, section 3.4.1).
    """

    def __init__(self, data_step: Map, split: Splitting, relaxation: float = 1.8) -> None:
        self.data_step, self.split, self.relaxation = data_step, split, relaxation
        self._coupled: tuple[Tensor, Coupled] | None = None  # of the last couplings, which few steps change

    def begin(self, start: Tensor) -> SplitState:
        kz = self.split.analysis(start)
        return SplitState(start, kz, start, kz, self._first_coupling(start))

    def step(self, state: SplitState) -> SplitState:
        if self._coupled is None or self._coupled[0] is not state.coupling:
            self._coupled = state.coupling, self.split.coupled(state.coupling, state.z)
        return split_step(self.data_step, self.split, self._coupled[1], self.relaxation, state)

    def balanced(self, before: SplitState, after: SplitState) -> SplitState:
        moved = after.kz - before.kz
        primal, dual = length(self._apart(after.q - before.q, moved)), length(moved)
        first, ones = self._first_coupling(after.z), torch.ones_like(primal)
        more = torch.where(primal > UNBALANCED * dual, BALANCE_BY * ones, ones)
        less = torch.where(dual > UNBALANCED * primal, BALANCE_BY * ones, ones)
        coupling = after.coupling * (more / less).reshape(-1, 1, 1, 1)
        coupling = torch.minimum(torch.maximum(coupling, first / LARGEST_CHANGE), first * LARGEST_CHANGE)
        q = torch.lerp(after.kz, after.q, after.coupling / coupling)  # the same multiplier, scaled anew
        return after._replace(q=q, coupling=coupling)

    def gap(self, before: SplitState, after: SplitState) -> Tensor:
        weight = after.coupling.flatten().sqrt()

        def size(x: Tensor, d: Tensor) -> Tensor:
            """Return ``sqrt(|x|^2 + coupling |d|^2)`` for each image, (b,)."""
            return torch.hypot(length(x), weight * length(d))

        scale = size(after.z, after.kz).clamp_min(torch.finfo(after.z.dtype).tiny)
        z, kz = after.z - before.z, after.kz - before.kz
        primal = size(self._apart(after.p - before.p, z), self._apart(after.q - before.q, kz))
        return torch.maximum(primal, size(z, kz)) / scale

    def _apart(self, change: Tensor, moved: Tensor) -> Tensor:
        """Return z - x (or K z - d) of a step, from the change of p (or q) and that of z (or K z)."""
        return torch.sub(moved, change, alpha=1 / self.relaxation)

    def _first_coupling(self, like: Tensor) -> Tensor:
        """Return the couplings that images (b, 1, n, n) begin with, (b, 1, 1, 1)."""
        coupling = torch.as_tensor(self.split.coupling, dtype=like.dtype, device=like.device)
        return coupling.reshape(-1, 1, 1, 1).expand(len(like), 1, 1, 1)


class FISTA(Algorithm):
    """Accelerated proximal gradient; see ``fista_step``.

    The gap is the change ``|x - p| / |x|`` from the extrapolated point p to ``x = prox(p - gradient(p))``, times
    ``gap_per_change``: L over the typical curvature of f, so that a short step does not look like a small gap.
    """

    def __init__(self, gradient: Map, prox: Map, gap_per_change: float | Tensor = 1.0) -> None:
        self.gradient, self.prox, self.gap_per_change = gradient, prox, gap_per_change

    def begin(self, start: Tensor) -> FISTAState:
        return FISTAState(start, start, start.new_ones(len(start), 1, 1, 1))

    def step(self, state: FISTAState) -> FISTAState:
        return fista_step(self.gradient, self.prox, 1.0, state)

    def gap(self, before: FISTAState, after: FISTAState) -> Tensor:
        return self.gap_per_change * relative(after.x - before.point, after.x)
