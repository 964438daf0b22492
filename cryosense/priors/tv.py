"""Total variation, isotropic or anisotropic, with free boundaries."""

from __future__ import annotations

import math
from abc import ABC
from collections.abc import Callable

import torch
from torch import Tensor

from cryosense.priors.base import Prior
from cryosense.priors.bases import dct_matrix, sandwich
from cryosense.solvers.proximal import Restrict, Solution, split_admm

# Penalty of d = K z over that of x = z, in units of step^2, for images of unit range. With the penalty of x = z at
# 0.7 sqrt(weight * d) it is near the best of a grid for pixel masks at weights of 0.03 to 1. For Fourier masks the grid says
# so at 0.03 only: at weights of 0.2 and above most of its settings did not converge in the 400 iterations they were given.
COUPLING = 40.0
COUPLING_RANGE = (0.1, 1e3)


class TotalVariation(Prior, ABC):
    """Psi(x) = sum over pixels of the size of the forward differences; across the last row and column they are zero.

    K^T K is the Neumann Laplacian, which the DCT-II diagonalises, so (1 + w K^T K)^-1 is exact.
    """

    matrix: Tensor
    laplacian: Tensor

    def __init__(self, box_size: int) -> None:
        super().__init__()
        self.register_buffer("matrix", dct_matrix(box_size).float())
        frequencies = 2 - 2 * torch.cos(math.pi * torch.arange(box_size, dtype=torch.float64) / box_size)
        self.register_buffer("laplacian", (frequencies[:, None] + frequencies[None, :]).float())

    def analysis(self, x: Tensor) -> Tensor:
        """(b, 1, n, n) -> (b, 2, n, n): forward differences down and across."""
        c = x.new_zeros(x.shape[0], 2, *x.shape[2:])
        torch.sub(x[:, 0, 1:], x[:, 0, :-1], out=c[:, 0, :-1])
        torch.sub(x[:, 0, :, 1:], x[:, 0, :, :-1], out=c[:, 1, :, :-1])
        return c

    def analysis_adjoint(self, c: Tensor) -> Tensor:
        x = torch.zeros_like(c[:, :1])
        torch.neg(c[:, 0, :-1], out=x[:, 0, :-1])
        x[:, 0, 1:] += c[:, 0, :-1]
        x[:, 0, :, :-1] -= c[:, 1, :, :-1]
        x[:, 0, :, 1:] += c[:, 1, :, :-1]
        return x

    def solve(self, x: Tensor, weight: float) -> Tensor:
        """(b, 1, n, n) -> (b, 1, n, n): (1 + weight K^T K)^-1 x."""
        matrix = self.matrix.to(x.dtype)
        return sandwich(sandwich(x, matrix) / (1 + weight * self.laplacian.to(x.dtype)), matrix.mT)

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
        coupling = min(max(COUPLING * step**2, COUPLING_RANGE[0]), COUPLING_RANGE[1])
        return split_admm(
            data_step,
            self.analysis,
            self.analysis_adjoint,
            lambda c: self.shrink(c, step / coupling),
            lambda x: self.solve(x, coupling),
            start,
            restrict=restrict,
            coupling=coupling,
            relaxation=relaxation,
            tolerance=tolerance,
            max_iterations=max_iterations,
            check_every=check_every,
        )

    def prox(self, x: Tensor, step: float) -> Tensor:
        """As :meth:`Prior.prox`, iterated to a relative fixed-point gap of 3e-6, near what float32 can tell."""
        rho = max(0.7 * math.sqrt(step), 0.1)
        return self.minimise(
            lambda z: (x + rho * z) / (1 + rho),
            x,
            step / rho,
            restrict=None,
            relaxation=1.8,
            tolerance=3e-6,
            max_iterations=1000,
            check_every=10,
        ).x


class IsotropicTV(TotalVariation):
    """Psi(x) = sum over pixels of the Euclidean length of the differences (Rudin, Osher and Fatemi 1992)."""

    def value(self, c: Tensor) -> Tensor:
        return torch.linalg.vector_norm(c, dim=1).flatten(1).sum(1)

    def shrink(self, c: Tensor, step: float) -> Tensor:
        length = torch.addcmul(c[:, :1].square(), c[:, 1:], c[:, 1:]).sqrt_()  # several times faster than vector_norm(dim=1)
        return c * (1 - step / length.clamp_min_(max(step, torch.finfo(c.dtype).tiny)))


class AnisotropicTV(TotalVariation):
    """Psi(x) = sum over pixels of the absolute differences."""

    def value(self, c: Tensor) -> Tensor:
        return c.abs().flatten(1).sum(1)

    def shrink(self, c: Tensor, step: float) -> Tensor:
        return c - c.clamp(-step, step)
