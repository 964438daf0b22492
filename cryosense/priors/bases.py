"""Orthonormal bases: the DCT-II and the periodised wavelets, as products with small dense matrices.

At particle sizes (up to a few hundred pixels) a transform as two matrix products is as fast as a fast transform with its
reorderings, on CPUs and more so on GPUs, and it is differentiable and exact to rounding.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import pywt
import torch
from torch import Tensor, nn

from cryosense.errors import ArgumentError


class Basis(nn.Module, ABC):
    """An orthonormal basis of images of one size.

    Attributes:
        coarse: (n, n) bool, the coefficients of the coarsest scale, which priors leave alone.
    """

    coarse: Tensor

    @abstractmethod
    def analysis(self, x: Tensor) -> Tensor:
        """(b, 1, n, n) -> (b, 1, n, n): W x."""

    @abstractmethod
    def synthesis(self, c: Tensor) -> Tensor:
        """(b, 1, n, n) -> (b, 1, n, n): W^T c, the inverse of W."""


def dct_matrix(n: int) -> Tensor:
    """-> (n, n) float64: the orthonormal DCT-II, rows are basis functions."""
    k = torch.arange(n, dtype=torch.float64)
    matrix = math.sqrt(2 / n) * torch.cos(math.pi * k[:, None] * (k[None, :] + 0.5) / n)
    matrix[0] /= math.sqrt(2)
    return matrix


def sandwich(x: Tensor, matrix: Tensor) -> Tensor:
    """(..., n, n), (m, n) -> (..., m, m): matrix x matrix^T.

    As products of one image each: in one product over all images the order of summation would depend on their number.
    """
    each = matrix.expand(*x.shape[:-2], *matrix.shape)
    return each @ (x @ each.mT)


class DCT(Basis):
    """The orthonormal two-dimensional DCT-II; its coarsest scale is the mean."""

    matrix: Tensor

    def __init__(self, box_size: int) -> None:
        super().__init__()
        self.register_buffer("matrix", dct_matrix(box_size).float())
        coarse = torch.zeros(box_size, box_size, dtype=torch.bool)
        coarse[0, 0] = True
        self.register_buffer("coarse", coarse)

    def analysis(self, x: Tensor) -> Tensor:
        return sandwich(x, self.matrix.to(x.dtype))

    def synthesis(self, c: Tensor) -> Tensor:
        return sandwich(c, self.matrix.to(c.dtype).mT)


class Wavelet(Basis):
    """An orthonormal two-dimensional wavelet transform, periodised, in the usual quadrant layout (coarse at the corner).

    Args:
        wavelet: name of an orthogonal PyWavelets wavelet, such as ``haar``, ``db4``, ``sym8``.
        levels: number of scales; None for as many as the box can be halved while it is at least as long as the filter.

    Raises:
        ArgumentError: a wavelet that is not orthogonal, or more levels than the box allows.
    """

    def __init__(self, box_size: int, wavelet: str, levels: int | None) -> None:
        super().__init__()
        filters = pywt.Wavelet(wavelet)
        if not filters.orthogonal:
            raise ArgumentError(f"prior.basis.wavelet={wavelet} is not orthogonal: choose one of haar, db*, sym*, coif*")
        most = max_levels(box_size, filters.dec_len)
        if levels is not None and not 1 <= levels <= most:
            raise ArgumentError(f"prior.basis.levels={levels}: a box of {box_size} px allows 1 to {most} levels of {wavelet}")
        self.sizes = [box_size >> level for level in range(most if levels is None else levels)]
        for size in self.sizes:
            self.register_buffer(f"matrix_{size}", wavelet_matrix(size, filters).float())
        coarse = torch.zeros(box_size, box_size, dtype=torch.bool)
        coarse[: self.sizes[-1] // 2, : self.sizes[-1] // 2] = True
        self.register_buffer("coarse", coarse)

    def _matrix(self, size: int, like: Tensor) -> Tensor:
        return self.get_buffer(f"matrix_{size}").to(like.dtype)

    def analysis(self, x: Tensor) -> Tensor:
        c = x
        for size in self.sizes:
            corner = sandwich(c[..., :size, :size], self._matrix(size, x))
            c = corner if size == self.sizes[0] else _with_corner(c, corner)
        return c

    def synthesis(self, c: Tensor) -> Tensor:
        x = c.clone()
        for size in reversed(self.sizes):
            corner = sandwich(x[..., :size, :size], self._matrix(size, c).mT)
            x = corner if size == self.sizes[0] else _with_corner(x, corner)
        return x


def _with_corner(c: Tensor, corner: Tensor) -> Tensor:
    size = corner.shape[-1]
    c[..., :size, :size] = corner
    return c


def max_levels(box_size: int, filter_length: int) -> int:
    """-> how often the box can be halved: each halved size is even and no shorter than the filter."""
    levels = 0
    while box_size % 2 == 0 and box_size >= max(2, filter_length):
        levels, box_size = levels + 1, box_size // 2
    return levels


def wavelet_matrix(n: int, filters: pywt.Wavelet) -> Tensor:
    """-> (n, n) float64: one level of the periodised transform, n / 2 coarse rows above n / 2 detail rows."""
    columns = [pywt.dwt(row, filters, mode="periodization") for row in torch.eye(n, dtype=torch.float64).numpy()]
    coarse = torch.stack([torch.from_numpy(a) for a, _ in columns], dim=1)
    detail = torch.stack([torch.from_numpy(d) for _, d in columns], dim=1)
    return torch.cat([coarse, detail])
