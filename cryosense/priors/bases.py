"""Orthonormal bases: the DCT-II and periodised wavelets, as products with small dense matrices.

At particle sizes (up to a few hundred pixels) a transform written as two matrix products is as fast as a fast transform
with its reordering, on CPUs and even more so on GPUs, and it is differentiable and exact to rounding.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import lru_cache

import pywt
import torch
from torch import Tensor, nn

from cryosense import fourier
from cryosense.errors import ArgumentError
from cryosense.shown import ShowsInModule


class Basis(ShowsInModule, nn.Module, ABC):
    """An orthonormal basis of images, for every image size it allows.

    Attributes:
        name: name of the basis in records.
    """

    name: str

    @abstractmethod
    def coarse(self, box_size: int) -> Tensor:
        """Return the coefficients of the coarsest scale, (n, n) bool, which priors leave unpenalised."""

    @abstractmethod
    def analysis(self, x: Tensor) -> Tensor:
        """Return the coefficients ``W x``, (b, 1, n, n), of images (b, 1, n, n)."""

    @abstractmethod
    def synthesis(self, c: Tensor) -> Tensor:
        """Return the images ``W^T c``, (b, 1, n, n); W^T is the inverse of W."""


def sandwich(x: Tensor, matrix: Tensor) -> Tensor:
    """Return ``M x M^T``, (..., m, m), for images x (..., n, n) and a matrix M (m, n).

    Each image has its own product: in a single one over all images, the order of summation would depend on their number.
    """
    each = matrix.expand(*x.shape[:-2], *matrix.shape)
    return each @ (x @ each.mT)


@lru_cache(maxsize=64)
def dct_like(n: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return ``dct_matrix`` with this dtype and device, (n, n), cached."""
    return fourier.dct_matrix(n).to(device, dtype)


class DCT(Basis):
    """The orthonormal two-dimensional DCT-II; its coarsest scale is the mean."""

    name = "dct"

    def coarse(self, box_size: int) -> Tensor:
        plane = torch.zeros(box_size, box_size, dtype=torch.bool)
        plane[0, 0] = True
        return plane

    def analysis(self, x: Tensor) -> Tensor:
        return sandwich(x, dct_like(x.shape[-1], x.dtype, x.device))

    def synthesis(self, c: Tensor) -> Tensor:
        return sandwich(c, dct_like(c.shape[-1], c.dtype, c.device).mT)


class Wavelet(Basis):
    """An orthonormal two-dimensional wavelet transform, periodised, in the usual quadrant layout (coarsest in the corner).

    Args:
        wavelet: name of an orthogonal PyWavelets wavelet, such as ``haar``, ``db4``, ``sym8``.
        levels: number of scales; None for as many as the box can be halved while it is at least as long as the filter.

    Raises:
        ArgumentError: a wavelet that is not orthogonal, or images too small for this many levels.
    """

    name = "wavelet"

    def __init__(self, wavelet: str = "haar", levels: int | None = None) -> None:
        super().__init__()
        self.filters = pywt.Wavelet(wavelet)
        if not self.filters.orthogonal:
            raise ArgumentError(f"wavelet={wavelet} is not orthogonal: choose one of haar, db*, sym*, coif*")
        self.wavelet, self.levels = wavelet, levels

    def sizes(self, box_size: int) -> list[int]:
        """Return the edge, in pixels, of the corner that each level transforms, starting with the whole image."""
        most = max_levels(box_size, self.filters.dec_len)
        if self.levels is not None and not 1 <= self.levels <= most:
            raise ArgumentError(f"levels={self.levels}: a box of {box_size} px allows 1 to {most} levels of {self.wavelet}")
        return [box_size >> level for level in range(most if self.levels is None else self.levels)]

    def coarse(self, box_size: int) -> Tensor:
        plane, corner = torch.zeros(box_size, box_size, dtype=torch.bool), self.sizes(box_size)[-1] // 2
        plane[:corner, :corner] = True
        return plane

    def analysis(self, x: Tensor) -> Tensor:
        c, sizes = x, self.sizes(x.shape[-1])
        for size in sizes:
            corner = sandwich(c[..., :size, :size], wavelet_like(size, self.wavelet, x.dtype, x.device))
            c = corner if size == sizes[0] else _with_corner(c, corner)
        return c

    def synthesis(self, c: Tensor) -> Tensor:
        x, sizes = c.clone(), self.sizes(c.shape[-1])
        for size in reversed(sizes):
            corner = sandwich(x[..., :size, :size], wavelet_like(size, self.wavelet, c.dtype, c.device).mT)
            x = corner if size == sizes[0] else _with_corner(x, corner)
        return x

    def extra_repr(self) -> str:
        return f"{self.wavelet}, levels={self.levels}"


def _with_corner(c: Tensor, corner: Tensor) -> Tensor:
    size = corner.shape[-1]
    c[..., :size, :size] = corner
    return c


def max_levels(box_size: int, filter_length: int) -> int:
    """Return how often the box can be halved so that each size is even and no shorter than the filter."""
    levels = 0
    while box_size % 2 == 0 and box_size >= max(2, filter_length):
        levels, box_size = levels + 1, box_size // 2
    return levels


def wavelet_matrix(n: int, filters: pywt.Wavelet) -> Tensor:
    """Return one level of the periodised transform, (n, n) float64: n / 2 coarse rows above n / 2 detail rows."""
    columns = [pywt.dwt(row, filters, mode="periodization") for row in torch.eye(n, dtype=torch.float64).numpy()]
    coarse = torch.stack([torch.from_numpy(a) for a, _ in columns], dim=1)
    detail = torch.stack([torch.from_numpy(d) for _, d in columns], dim=1)
    return torch.cat([coarse, detail])


@lru_cache(maxsize=64)
def wavelet_like(n: int, wavelet: str, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return ``wavelet_matrix`` with this dtype and device, (n, n), cached."""
    return wavelet_matrix(n, pywt.Wavelet(wavelet)).to(device, dtype)
