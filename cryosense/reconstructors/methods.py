"""How a penalised problem is minimised: which algorithm, with which constants, to which gap."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

from torch import Tensor

from cryosense.errors import ArgumentError
from cryosense.operators import LinearOperator
from cryosense.priors import Prior
from cryosense.solvers.proximal import Solution, fista


class Method(ABC):
    """An algorithm for argmin_x |A x - y|^2 / 2 + weight Psi(x).

    Args:
        tolerance: relative fixed-point gap at which an image stops.
        max_iterations: at which it stops all the same, its gap reported.
        check_every: iterations between looks at the gap.
    """

    def __init__(self, tolerance: float, max_iterations: int, check_every: int) -> None:
        self.tolerance, self.max_iterations, self.check_every = tolerance, max_iterations, check_every

    @abstractmethod
    def minimise(self, prior: Prior, y: Tensor, operator: LinearOperator, weight: float) -> Solution:
        """(b, ...) -> (b, 1, n, n): the minimiser, started from A^+ y."""


class ADMM(Method):
    """Over-relaxed ADMM with the operator's exact data step.

    Args:
        relaxation: in (0, 2).
        penalty: rho is ``penalty`` * sqrt(weight * d), d the mean diagonal of A^T A. With 0.7 that is within a factor of two
            of the best fixed rho over operators and weights, for images of unit range.
    """

    def __init__(self, relaxation: float, penalty: float, tolerance: float, max_iterations: int, check_every: int) -> None:
        super().__init__(tolerance, max_iterations, check_every)
        if not 0 < relaxation < 2 or not penalty > 0:
            raise ArgumentError(f"method.relaxation={relaxation} must lie in (0, 2) and method.penalty={penalty} above 0")
        self.relaxation, self.penalty = relaxation, penalty

    def minimise(self, prior: Prior, y: Tensor, operator: LinearOperator, weight: float) -> Solution:
        rho = self.penalty * math.sqrt(weight * operator.mean_diagonal)
        return prior.minimise(
            operator.proximal_map(y, rho),
            operator.pinv(y),
            weight / rho,
            restrict=(lambda images: operator.proximal_map(y[images], rho)) if operator.mask_sets == 1 else None,
            relaxation=self.relaxation,
            tolerance=self.tolerance,
            max_iterations=self.max_iterations,
            check_every=self.check_every,
        )


class FISTA(Method):
    """Accelerated proximal gradient with restart, its step 1 / L from the operator's known norm."""

    def minimise(self, prior: Prior, y: Tensor, operator: LinearOperator, weight: float) -> Solution:
        step = 1 / float(operator.norm.max()) ** 2
        return fista(
            lambda x: step * operator.adjoint(operator(x) - y),
            lambda x: prior.prox(x, step * weight),
            operator.pinv(y),
            gap_per_change=1 / (step * operator.mean_diagonal),
            tolerance=self.tolerance,
            max_iterations=self.max_iterations,
            check_every=self.check_every,
        )
