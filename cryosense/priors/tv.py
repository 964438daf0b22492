"""Total variation, isotropic or anisotropic, with free boundaries."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

from cryosense.priors.base import DataStep, Prior, each
from cryosense.priors.bases import dct_like, sandwich
from cryosense.solvers.converging import Stopping, converge
from cryosense.solvers.proximal import SplitADMM
from cryosense.solvers.steps import Coupled, Map, Splitting, image_sum

# Penalty of d = K z over that of x = z to begin with, in units of step^2, for images of unit range. With the penalty of x = z
# at 0.7 sqrt(weight * d) it is near the best of a grid for pixel masks at weights of 0.03 to 1. For Fourier masks at weights
# of 0.2 and above the best differs from image to image, so that it is balanced as the iteration goes.
COUPLING = 40.0
COUPLING_RANGE = (0.1, 1e3)


class TotalVariation(Prior):
    """Total variation: the sum over pixels of the size of the forward differences, zero across the last row and column.

    With K the forward differences, ``K^T K`` is the Neumann Laplacian, which the DCT-II diagonalises, so
    ``(1 + w K^T K)^-1`` is exact.

    Args:
        isotropic: the size is the Euclidean length of the two differences (Rudin, Osher and Fatemi 1992) or, if false, the
            sum of their absolute values.
    """

    name = "tv"

    def __init__(self, isotropic: bool = True) -> None:
        super().__init__()
        self.isotropic = isotropic

    def analysis(self, x: Tensor) -> Tensor:
        """Return ``K x``, (b, 2, n, n): forward differences down and across images (b, 1, n, n)."""
        c = x.new_zeros(x.shape[0], 2, *x.shape[2:])
        torch.sub(x[:, 0, 1:], x[:, 0, :-1], out=c[:, 0, :-1])
        torch.sub(x[:, 0, :, 1:], x[:, 0, :, :-1], out=c[:, 1, :, :-1])
        return c

    def analysis_adjoint(self, c: Tensor) -> Tensor:
        """Return ``K^T c``, (b, 1, n, n), for differences (b, 2, n, n)."""
        x = torch.empty_like(c[:, :1])
        down, across = c[:, 0, :-1], c[:, 1, :, :-1]
        torch.neg(down[:, :1], out=x[:, 0, :1])
        torch.sub(down[:, :-1], down[:, 1:], out=x[:, 0, 1:-1])
        x[:, 0, -1:] = down[:, -1:]
        x[:, 0, :, :-1].sub_(across)  # -= would copy what it has made onto itself
        x[:, 0, :, 1:].add_(across)
        return x

    def solve(self, x: Tensor, weight: float | Tensor) -> Tensor:
        """Return ``(1 + weight K^T K)^-1 x``, (b, 1, n, n)."""
        return self._solver(x.shape[-1], each(weight, x))(x)

    def _solver(self, n: int, weight: Tensor) -> Map:
        matrix, laplacian = (made(n, weight.dtype, weight.device) for made in (dct_like, laplacian_like))
        gain = 1 / (1 + weight * laplacian)
        return lambda x: sandwich(sandwich(x, matrix).mul_(gain), matrix.mT)

    def forward(self, x: Tensor) -> Tensor:
        c = self.analysis(x)
        return image_sum(torch.linalg.vector_norm(c, dim=1) if self.isotropic else c.abs())

    def _taken(self, step: Tensor) -> Map:
        """Return the map from differences (b, 2, n, n) to the share of each by which a step draws their size towards zero.

        ``step``: (1 or b, 1, 1, 1).
        """
        squares = step.square().clamp_min(torch.finfo(step.dtype).tiny)

        def taken(c: Tensor) -> Tensor:
            size = c[:, :1].square().addcmul_(c[:, 1:], c[:, 1:]) if self.isotropic else c.square()
            return torch.maximum(size, squares, out=size).rsqrt_().mul_(step)

        return taken

    def start(self, x: Tensor) -> Tensor:
        """Return flat images of the same means: nearer to where noise is removed than the noise of the pseudo-inverse is."""
        return (image_sum(x) / x[0].numel()).reshape(-1, 1, 1, 1).expand_as(x).contiguous()

    def admm(self, data_step: DataStep, step: float | Tensor, relaxation: float) -> SplitADMM:
        weight = torch.as_tensor(step)
        coupling = (COUPLING * weight.square()).clamp(*COUPLING_RANGE).reshape(-1, 1, 1, 1)

        def coupled(coupling: Tensor, like: Tensor) -> Coupled:
            return Coupled(self._taken(weight.reshape(-1, 1, 1, 1) / coupling), self._solver(like.shape[-1], coupling))

        split = Splitting(self.analysis, self.analysis_adjoint, coupled, coupling)
        return SplitADMM(data_step, split, relaxation)

    def prox(self, x: Tensor, step: float | Tensor) -> Tensor:
        """Return the prox (see ``Prior.prox``), iterated to a relative fixed-point gap of 3e-6, near the limit of float32."""
        steps = each(step, x)
        rho = (0.7 * steps.sqrt()).clamp_min(0.1)

        def algorithm(images: Tensor | None) -> SplitADMM:
            ours, mine = (x, rho) if images is None else (x[images], rho if len(rho) == 1 else rho[images])
            weights = steps if images is None or len(steps) == 1 else steps[images]
            return self.admm(lambda z: (ours + mine * z) / (1 + mine), weights / mine, 1.8)

        return converge(algorithm, x, Stopping(3e-6, 1000, 10)).x

    def extra_repr(self) -> str:
        return f"isotropic={self.isotropic}"


@lru_cache(maxsize=64)
def laplacian_like(n: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the eigenvalues of ``K^T K``, (n, n), with this dtype and device, cached."""
    frequencies = 2 - 2 * torch.cos(math.pi * torch.arange(n, dtype=torch.float64) / n)
    return (frequencies[:, None] + frequencies[None, :]).to(device, dtype)
