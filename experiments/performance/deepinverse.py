"""DeepInverse on the same problems, given what it needs for its exact data step: the operators' decompositions."""

from __future__ import annotations

import math
from collections.abc import Callable

import deepinv
import torch
from deepinv.models import TVDenoiser
from deepinv.optim import ADMM, L2, PDCP, L12Prior, Prior, TVPrior, WaveletPrior
from deepinv.physics import DecomposablePhysics, Physics
from problem import Cell
from torch import Tensor

from cryosense import fourier
from cryosense.operators import FourierSampling, PixelMasking
from cryosense.priors import DCT

Run = Callable[[Tensor, int], Tensor]  # measurements (b, ...), iterations -> images (b, 1, n, n)


class DCTPrior(Prior):
    """|W x|_1 but for the mean: DeepInverse has no DCT, so it gets ours."""

    def __init__(self) -> None:
        super().__init__()
        self.basis = DCT()

    def prox(self, x: Tensor, *_: object, gamma: float, **__: object) -> Tensor:
        c = self.basis.analysis(x)
        shrunk = torch.nn.functional.softshrink(c, float(gamma))
        shrunk[..., 0, 0] = c[..., 0, 0]
        return self.basis.synthesis(shrunk)


def runs(cell: Cell, penalty: float, inner_iterations: int) -> dict[str, Run]:
    """-> the algorithms that suit the problem, by name."""
    physics, coordinates = decomposition(cell)
    rho = penalty * math.sqrt(cell.weight * cell.operator.mean_diagonal)
    fixed = {"data_fidelity": L2(), "early_stop": False}

    def wrap(make: Callable[[Tensor, int], deepinv.optim.BaseOptim]) -> Run:
        def run(y: Tensor, iterations: int) -> Tensor:
            with torch.no_grad():
                return make(y, iterations)(coordinates(y), physics)

        return run

    if cell.prior_name == "tv":

        def primal_dual(y: Tensor, iterations: int) -> PDCP:
            start = cell.operator.pinv(y)
            init = (start, start, torch.zeros(*start.shape, 2))
            steps = {"stepsize": 1 / rho, "stepsize_dual": rho / 8}
            maps = {"K": TVDenoiser.nabla, "K_adjoint": TVDenoiser.nabla_adjoint}
            prior = L12Prior(l2_axis=-1)
            return PDCP(
                **maps,
                **fixed,
                **steps,
                prior=prior,
                lambda_reg=cell.weight,
                g_first=True,
                max_iter=iterations,
                custom_init=lambda *_: {"est": init},
            )

        def nested(y: Tensor, iterations: int) -> ADMM:
            prior = TVPrior(n_it_max=inner_iterations)
            return ADMM(**fixed, prior=prior, lambda_reg=cell.weight, stepsize=1 / rho, max_iter=iterations)

        return {"DeepInverse PDCP": wrap(primal_dual), "DeepInverse ADMM": wrap(nested)}

    n = cell.operator.box_size
    prior: Prior = DCTPrior()
    weight = cell.weight
    if cell.prior_name == "wavelet":
        prior = WaveletPrior(level=int(math.log2(n)), wv="haar")
        weight = cell.weight / 0.1  # its prox multiplies with its parameter ths, 0.1 unless it is called by hand

    def split(_: Tensor, iterations: int) -> ADMM:
        return ADMM(**fixed, prior=prior, lambda_reg=weight, stepsize=1 / rho, max_iter=iterations)

    return {"DeepInverse ADMM": wrap(split)}


def decomposition(cell: Cell) -> tuple[Physics, Callable[[Tensor], Tensor]]:
    """-> the operator as DeepInverse's DecomposablePhysics, and what turns our measurements into its own."""
    operator = cell.operator
    n = operator.box_size
    if isinstance(operator, FourierSampling):
        half = fourier.centred_to_half_plane(operator.weight)
        physics = DecomposablePhysics(
            V_adjoint=fourier.half_plane, V=lambda c: fourier.from_half_plane(c, n), mask=half, img_size=(1, n, n)
        )
        return physics, fourier.hartley_to_half_plane
    if isinstance(operator, PixelMasking):
        k, g = operator.block_size, n // operator.block_size
        sets = operator.masks[0].reshape(-1, g, k, g, k).permute(1, 3, 0, 2, 4).reshape(g * g, -1, k * k)
        left, s, right = torch.linalg.svd(sets.double())
        values = torch.zeros(g * g, k * k, dtype=torch.float64)
        values[:, : s.shape[1]] = s
        left, right = left.float(), right.float()

        def analyse(x: Tensor) -> Tensor:
            tiles = x.reshape(-1, g, k, g, k).permute(1, 3, 2, 4, 0).reshape(g * g, k * k, -1)
            return (right @ tiles).permute(2, 0, 1)

        def synthesise(c: Tensor) -> Tensor:
            tiles = (right.mT @ c.permute(1, 2, 0)).reshape(g, g, k, k, -1)
            return tiles.permute(4, 0, 2, 1, 3).reshape(-1, 1, n, n)

        def coordinates(y: Tensor) -> Tensor:
            c = torch.zeros(len(y), g * g, k * k)
            c[..., : s.shape[1]] = (left.mT @ y.flatten(2).permute(2, 1, 0)).permute(2, 0, 1)[..., : s.shape[1]]
            return c

        physics = DecomposablePhysics(V_adjoint=analyse, V=synthesise, mask=values.float(), img_size=(1, n, n))
        return physics, coordinates
    raise TypeError(type(operator).__name__)
