"""SigPy on the same problems: its algorithms and transforms, with exact data steps in NumPy where the algorithm has one."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import scipy.fft
import sigpy
import sigpy.alg
import torch
from problem import Cell
from torch import Tensor

from cryosense import fourier
from cryosense.operators import FourierSampling, PixelMasking

Run = Callable[[Tensor, int], Tensor]
Map = Callable[[np.ndarray], np.ndarray]
AXES = (-2, -1)


class DCTThreshold(sigpy.prox.Prox):
    """Soft threshold of all DCT coefficients but the mean; SigPy has no DCT, SciPy has."""

    def __init__(self, shape: tuple[int, ...], weight: float) -> None:
        super().__init__(shape)
        self.weight = weight

    def _prox(self, alpha: float, x: np.ndarray) -> np.ndarray:
        c = scipy.fft.dctn(x, axes=AXES, norm="ortho", workers=-1)
        with np.errstate(invalid="ignore"):  # it divides by |c|
            shrunk = sigpy.soft_thresh(self.weight * alpha, c)
        shrunk[..., 0, 0] = c[..., 0, 0]
        return scipy.fft.idctn(shrunk, axes=AXES, norm="ortho", workers=-1)


class WaveletThreshold(sigpy.prox.Prox):
    """Soft threshold of all coefficients of SigPy's Haar transform but the coarsest."""

    def __init__(self, shape: tuple[int, ...], weight: float) -> None:
        super().__init__(shape)
        self.weight = weight
        self.transform = sigpy.linop.Wavelet(shape, axes=AXES, wave_name="haar", level=int(math.log2(shape[-1])))

    def _prox(self, alpha: float, x: np.ndarray) -> np.ndarray:
        c = self.transform(x)
        with np.errstate(invalid="ignore"):  # it divides by |c|
            shrunk = sigpy.soft_thresh(self.weight * alpha, c)
        shrunk[..., 0, 0] = c[..., 0, 0]
        return self.transform.H(shrunk)


def runs(cell: Cell, penalty: float) -> dict[str, Run]:
    """-> the algorithms that suit the problem, by name."""
    rho = penalty * math.sqrt(cell.weight * cell.operator.mean_diagonal)
    if cell.prior_name == "tv":
        return {"SigPy PDHG": lambda y, count: primal_dual(cell, rho, y, count)}
    return {"SigPy ADMM": lambda y, count: admm(cell, rho, y, count)}


def threshold(cell: Cell, shape: tuple[int, ...]) -> sigpy.prox.Prox:
    return {"dct": DCTThreshold, "wavelet": WaveletThreshold}[cell.prior_name](shape, cell.weight)


def admm(cell: Cell, rho: float, y: Tensor, iterations: int) -> Tensor:
    """Its ADMM with x = z."""
    z = start(cell, y)
    x, u = z.copy(), np.zeros_like(z)
    prox, step = threshold(cell, z.shape), data_step(cell, y, rho)

    def update_x() -> None:
        x[...] = step(z - u)

    def update_z() -> None:
        z[...] = prox(1 / rho, x + u)

    method = sigpy.alg.ADMM(update_x, update_z, x, z, u, lambda a: a, lambda b: -b, 0, max_iter=iterations)
    finished(method)
    return torch.from_numpy(z)[:, None]


def primal_dual(cell: Cell, rho: float, y: Tensor, iterations: int) -> Tensor:
    """Its PrimalDualHybridGradient on the differences, the data step exact."""
    x = start(cell, y)
    step = data_step(cell, y, rho)

    def ball(_: float, u: np.ndarray) -> np.ndarray:
        length = np.sqrt(u[0] ** 2 + u[1] ** 2)
        return u / np.maximum(length / cell.weight, 1)

    method = sigpy.alg.PrimalDualHybridGradient(
        ball,
        lambda _, z: step(z),
        differences,
        differences_adjoint,
        x,
        np.zeros((2, *x.shape), np.float32),
        tau=1 / rho,
        sigma=rho / 8,
        max_iter=iterations,
    )
    return finished(method)


def finished(method: sigpy.alg.Alg) -> Tensor:
    """-> (b, 1, n, n): the result after all iterations."""
    while not method.done():
        method.update()
    return torch.from_numpy(method.x)[:, None]


def start(cell: Cell, y: Tensor) -> np.ndarray:
    """-> (b, n, n): A^+ y."""
    return cell.operator.pinv(y)[:, 0].numpy().copy()


def differences(x: np.ndarray) -> np.ndarray:
    """(b, n, n) -> (2, b, n, n)."""
    d = np.zeros((2, *x.shape), x.dtype)
    d[0, :, :-1] = x[:, 1:] - x[:, :-1]
    d[1, :, :, :-1] = x[:, :, 1:] - x[:, :, :-1]
    return d


def differences_adjoint(d: np.ndarray) -> np.ndarray:
    """(2, b, n, n) -> (b, n, n)."""
    x = np.zeros_like(d[0])
    x[:, :-1] -= d[0, :, :-1]
    x[:, 1:] += d[0, :, :-1]
    x[:, :, :-1] -= d[1, :, :, :-1]
    x[:, :, 1:] += d[1, :, :, :-1]
    return x


def data_step(cell: Cell, y: Tensor, rho: float) -> Map:
    """-> z -> argmin |A x - y|^2 + rho |x - z|^2."""
    n, operator = cell.operator.box_size, cell.operator
    offset = operator.proximal_map(y, rho)(torch.zeros(len(y), 1, n, n))[:, 0].numpy()
    if isinstance(operator, FourierSampling):
        gain = rho / (fourier.centred_to_half_plane(operator.weight)[0].numpy() ** 2 + rho)
        return lambda z: scipy.fft.irfft2(scipy.fft.rfft2(z, workers=-1) * gain, s=(n, n), workers=-1) + offset
    if isinstance(operator, PixelMasking):
        k, g = operator.block_size, n // operator.block_size
        s, right = operator.singular[0].numpy(), operator.right[0].numpy()
        product = np.eye(k * k, dtype=np.float32) - np.einsum("ami,am,amj->aij", right, s**2 / (s**2 + rho), right)

        def step(z: np.ndarray) -> np.ndarray:
            tiles = z.reshape(-1, g, k, g, k).transpose(1, 3, 2, 4, 0).reshape(g * g, k * k, -1)
            return (product @ tiles).reshape(g, g, k, k, -1).transpose(4, 0, 2, 1, 3).reshape(-1, n, n) + offset

        return step
    raise TypeError(type(operator).__name__)
