"""How a penalised problem is minimised: which algorithm, with which constants, to which gap."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor

from cryosense.errors import ArgumentError
from cryosense.operators import LinearOperator
from cryosense.priors import Prior
from cryosense.reconstructors.thresholds import threshold_admm
from cryosense.solvers import proximal
from cryosense.solvers.converging import Algorithm, Solution, Stopping, converge


class Method(ABC):
    """An algorithm for ``argmin_x |A x - y|^2 / 2 + weight Psi(x)``, with one penalty or step for each mask set.

    ``tolerance``, ``max_iterations`` and ``check_every`` are those of ``Stopping``.
    """

    def __init__(self, tolerance: float, max_iterations: int, check_every: int) -> None:
        self.stopping = Stopping(tolerance, max_iterations, check_every)

    @abstractmethod
    def algorithm(self, prior: Prior, y: Tensor, operator: LinearOperator, weight: float) -> Algorithm:
        """Return the algorithm for these measurements."""

    def minimise(self, prior: Prior, y: Tensor, operator: LinearOperator, weight: float) -> Solution:
        """Return the minimiser, images (b, 1, n, n), starting from what the prior makes of ``A^+ y``."""

        def algorithm(images: Tensor | None) -> Algorithm:
            if images is None:
                return self.algorithm(prior, y, operator, weight)
            return self.algorithm(prior, y[images], operator.part(images), weight)

        return converge(algorithm, prior.start(operator.pinv(y)), self.stopping)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{key}={value}' for key, value in vars(self).items())})"


class ADMM(Method):
    """Over-relaxed ADMM with the operator's exact data step; ``Method`` explains the other arguments.

    Args:
        relaxation: in (0, 2).
        penalty: rho is ``penalty`` sqrt(weight d), d the mean diagonal of ``A^T A``; None for that of ``prior.penalty``.

    Raises:
        ArgumentError: a relaxation or penalty out of range.
    """

    def __init__(
        self,
        relaxation: float = 1.6,
        penalty: float | None = None,
        tolerance: float = 1e-4,
        max_iterations: int = 2000,
        check_every: int = 5,
    ) -> None:
        super().__init__(tolerance, max_iterations, check_every)
        if not 0 < relaxation < 2 or not (penalty is None or penalty > 0):
            raise ArgumentError(f"relaxation={relaxation} must lie in (0, 2) and penalty={penalty} above 0")
        self.relaxation, self.penalty = relaxation, penalty

    def algorithm(self, prior: Prior, y: Tensor, operator: LinearOperator, weight: float) -> Algorithm:
        penalty = prior.penalty(weight) if self.penalty is None else self.penalty
        rho = (penalty * (weight * operator.mean_diagonals).sqrt()).reshape(-1, 1, 1, 1)
        quick = threshold_admm(prior, y, operator, rho.to(y), weight, self.relaxation)
        return quick or prior.admm(operator.proximal_map(y, rho.to(y)), (weight / rho).to(y), self.relaxation)


class FISTA(Method):
    """Accelerated proximal gradient with restart; the step 1 / L comes from the operator's norm.

    Arguments as for ``Method``.
    """

    def __init__(self, tolerance: float = 1e-4, max_iterations: int = 5000, check_every: int = 10) -> None:
        super().__init__(tolerance, max_iterations, check_every)

    def algorithm(self, prior: Prior, y: Tensor, operator: LinearOperator, weight: float) -> Algorithm:
        step = operator.norm.double() ** -2
        steps = step.to(y).reshape(-1, 1, 1, 1)
        return proximal.FISTA(
            lambda x: steps * operator.adjoint(operator(x) - y),
            lambda x: prior.prox(x, weight * steps),
            (1 / (step * operator.mean_diagonals)).to(y),
        )
