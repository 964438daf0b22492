"""Proximal algorithms on callables: minimise f(x) + g(x) for a batch, run by ``converging.converge``."""

from __future__ import annotations

import torch
from torch import Tensor

from cryosense.solvers.converging import Algorithm, length, relative
from cryosense.solvers.steps import ADMMState, FISTAState, Map, SplitState, Splitting, admm_step, fista_step, split_step


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

    def begin(self, start: Tensor) -> SplitState:
        kz = self.split.analysis(start)
        return SplitState(start, kz, torch.zeros_like(start), torch.zeros_like(kz), start, kz, self._first_coupling(start))

    def step(self, state: SplitState) -> SplitState:
        return split_step(self.data_step, self.split, self.relaxation, state)

    def balanced(self, before: SplitState, after: SplitState) -> SplitState:
        primal, dual = length(after.d - after.kz), length(after.kz - before.kz)
        first, ones = self._first_coupling(after.z), torch.ones_like(primal)
        more = torch.where(primal > UNBALANCED * dual, BALANCE_BY * ones, ones)
        less = torch.where(dual > UNBALANCED * primal, BALANCE_BY * ones, ones)
        coupling = after.coupling * (more / less).reshape(-1, 1, 1, 1)
        coupling = torch.minimum(torch.maximum(coupling, first / LARGEST_CHANGE), first * LARGEST_CHANGE)
        return after._replace(v=after.v * (after.coupling / coupling), coupling=coupling)  # the same multiplier, scaled anew

    def gap(self, before: SplitState, after: SplitState) -> Tensor:
        def size(x: Tensor, d: Tensor) -> Tensor:
            """Return ``sqrt(|x|^2 + coupling |d|^2)`` for each image, (b,)."""
            return torch.hypot(length(x), after.coupling.flatten().sqrt() * length(d))

        scale = size(after.z, after.kz).clamp_min(torch.finfo(after.z.dtype).tiny)
        primal = size(after.x - after.z, after.d - after.kz)
        dual = size(after.z - before.z, after.kz - before.kz)
        return torch.maximum(primal, dual) / scale

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
