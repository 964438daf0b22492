"""Priors Psi(x) = phi(K x): an analysis map K and a convex function phi whose prox is known elementwise."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from torch import Tensor, nn

from cryosense.solvers.proximal import Restrict, Solution, admm


class Prior(nn.Module, ABC):
    """A convex penalty on images (b, 1, n, n), known through its value, its prox and its splitting phi(K x)."""

    @abstractmethod
    def analysis(self, x: Tensor) -> Tensor:
        """(b, 1, n, n) -> (b, ...): K x."""

    @abstractmethod
    def analysis_adjoint(self, c: Tensor) -> Tensor:
        """(b, ...) -> (b, 1, n, n): K^T c."""

    @abstractmethod
    def value(self, c: Tensor) -> Tensor:
        """(b, ...) -> (b,): phi(c)."""

    @abstractmethod
    def shrink(self, c: Tensor, step: float) -> Tensor:
        """(b, ...) -> (b, ...): argmin_u step phi(u) + |u - c|^2 / 2."""

    @abstractmethod
    def prox(self, x: Tensor, step: float) -> Tensor:
        """(b, 1, n, n) -> (b, 1, n, n): argmin_u step Psi(u) + |u - x|^2 / 2."""

    def minimise(
        self,
        data_step: Callable[[Tensor], Tensor],
        start: Tensor,
        step: float,
        *,
        restrict: Restrict | None,
        relaxation: float,
        tolerance: float,
        max_iterations: int,
        check_every: int,
    ) -> Solution:
        """(b, 1, n, n) -> minimiser of f(x) + rho step Psi(x) by ADMM, ``data_step(z)`` = argmin f(x) + rho |x - z|^2 / 2."""
        return admm(
            data_step,
            lambda x: self.prox(x, step),
            start,
            restrict=restrict,
            relaxation=relaxation,
            tolerance=tolerance,
            max_iterations=max_iterations,
            check_every=check_every,
        )

    def forward(self, x: Tensor) -> Tensor:
        """(b, 1, n, n) -> (b,): Psi(x)."""
        return self.value(self.analysis(x))
