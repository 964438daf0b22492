"""The bench's sparse solvers unrolled: a few dozen numbers to learn. Untrained, they are the bench's iterations.

Gregor and LeCun 2010 learned the matrices of such iterations for one operator. Here the operator is an argument and only
step sizes and thresholds are learned, which Ablin et al. 2019 find to be enough.
"""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor, nn

from cryosense.cpu_tiles import in_portions
from cryosense.errors import ArgumentError
from cryosense.operators import LinearOperator
from cryosense.priors import L1
from cryosense.reconstructors.unrolled.bands import BandedBasis
from cryosense.reconstructors.unrolled.solver import Conditioned, UnrolledSolver, log_compression, mean_diagonals
from cryosense.solvers.steps import ADMMState, FISTAState, admm_step, fista_step


class UnrolledSparse(UnrolledSolver):
    """``argmin_x |A x - y|^2 / 2 + weight Psi(x)`` as far as a fixed number of iterations gets; one threshold per band.

    Args:
        basis: basis of Psi, with its bands.
        relative_weight: before training, weight over the mean diagonal of ``A^T A``.
        iterations: iterations, starting from ``A^+ y``.

    Raises:
        ArgumentError: a weight that is not positive.
    """

    def __init__(self, basis: BandedBasis, relative_weight: float = 0.3, iterations: int = 10) -> None:
        super().__init__(iterations)
        if not relative_weight > 0:
            raise ArgumentError(f"relative_weight={relative_weight}: a positive weight is needed")
        self.name, self.basis, self.relative_weight = basis.name, basis, relative_weight
        self.thresholds = Conditioned(iterations, basis.count)
        self.arguments = {"basis": basis, "relative_weight": relative_weight, "iterations": iterations}
        self._made: tuple[int, Tensor] | None = None

    def prepare(self, box_size: int) -> None:
        if self._made is None or self._made[0] != box_size:
            self.basis.prior.prepare(box_size)
            self._made = (box_size, self.basis.bands(box_size))

    @torch.no_grad()
    def reconstruct(self, y: Tensor, operator: LinearOperator) -> Tensor:
        images = torch.arange(len(y), device=y.device)
        return in_portions(lambda part: (self(y[part], operator.part(part)),), images, operator.box_size**2)[0]

    def _prior(self, operator: LinearOperator, like: Tensor) -> tuple[L1, Tensor]:
        """Return the prior and its bands on the device of the measurement."""
        self.prepare(operator.box_size)
        assert self._made is not None
        return self.basis.prior, self._made[1].to(like.device)

    def _steps(self, iteration: int, log_c: Tensor, bands: Tensor) -> Tensor:
        """Return the factor on each coefficient's threshold, (1 or b, 1, n, n)."""
        return self.thresholds(iteration, log_c)[:, bands][:, None]


class UnrolledADMM(UnrolledSparse):
    """Over-relaxed ADMM with the operator's exact data step; thresholds, penalty and relaxation are learned.

    ``UnrolledSparse`` explains the other arguments.

    Args:
        relaxation: before training; in (0, 2).
        penalty: before training, rho over sqrt(weight d), d the mean diagonal of ``A^T A``.

    Raises:
        ArgumentError: a relaxation or penalty out of range.
    """

    def __init__(
        self,
        basis: BandedBasis,
        relative_weight: float = 0.3,
        relaxation: float = 1.8,
        penalty: float = 0.7,
        iterations: int = 10,
    ) -> None:
        super().__init__(basis, relative_weight, iterations)
        if not 0 < relaxation < 2 or not penalty > 0:
            raise ArgumentError(f"relaxation={relaxation} must lie in (0, 2) and penalty={penalty} above 0")
        self.relaxation, self.penalty = relaxation, penalty
        self.penalties, self.relaxations = Conditioned(iterations, 1), nn.Parameter(torch.zeros(iterations))
        self.arguments |= {"relaxation": relaxation, "penalty": penalty}

    def forward(self, y: Tensor, operator: LinearOperator) -> Tensor:
        prior, bands = self._prior(operator, y)
        log_c, diagonals = log_compression(operator, y), mean_diagonals(operator, y)
        step = math.sqrt(self.relative_weight) / self.penalty  # weight / rho, in which d cancels

        def iteration(i: int, state: ADMMState) -> ADMMState:
            factor = self.penalties(i, log_c)[..., None, None]
            rho = self.penalty * math.sqrt(self.relative_weight) * diagonals * factor
            prox = partial(prior.prox, step=step * self._steps(i, log_c, bands) / factor)
            return admm_step(operator.proximal_map(y, rho), prox, self.relaxation * self.relaxations[i].exp(), state)

        start = operator.pinv(y)
        state = ADMMState(start, start, start)
        for i in range(self.iterations):
            state = self.iterate(iteration, i, state)
        return state.z


class UnrolledFISTA(UnrolledSparse):
    """Accelerated proximal gradient with restart; thresholds, steps and the length of the extrapolation are learned."""

    def __init__(self, basis: BandedBasis, relative_weight: float = 0.3, iterations: int = 10) -> None:
        super().__init__(basis, relative_weight, iterations)
        self.lengths, self.momenta = Conditioned(iterations, 1), nn.Parameter(torch.zeros(iterations))

    def forward(self, y: Tensor, operator: LinearOperator) -> Tensor:
        prior, bands = self._prior(operator, y)
        log_c = log_compression(operator, y)
        whole = operator.norm.to(y).reshape(-1, 1, 1, 1) ** -2
        weight = self.relative_weight * mean_diagonals(operator, y)

        def iteration(i: int, state: FISTAState) -> FISTAState:
            step = whole * self.lengths(i, log_c)[..., None, None]
            prox = partial(prior.prox, step=step * weight * self._steps(i, log_c, bands))
            return fista_step(lambda u: step * operator.adjoint(operator(u) - y), prox, self.momenta[i].exp(), state)

        start = operator.pinv(y)
        state = FISTAState(start, start, start.new_ones(len(start), 1, 1, 1))
        for i in range(self.iterations):
            state = self.iterate(iteration, i, state)
        return state.x
