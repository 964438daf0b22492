"""Haar wavelets by blocks: the finest scales see one block each, and the coarser ones only the blocks' means."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from cryosense.priors.bases import Wavelet
from cryosense.shown import ShowsParameters
from cryosense.solvers.thresholding import Layout

Map = Callable[[Tensor], Tensor]


class HaarBlocks(ShowsParameters):
    """Haar coefficients by blocks of K x K pixels, (b, (n / K)^2, K^2).

    The first of each block is what the coarser scales make of the blocks' means.

    Args:
        inner: the scales within a block.
        outer: those beyond, None if there are none.
        box_size, block_size: n and K.

    Attributes:
        matrix: (K^2, K^2) float64, orthonormal, from a block's pixels to its coefficients.
    """

    def __init__(self, inner: Wavelet, outer: Wavelet | None, box_size: int, block_size: int) -> None:
        self.inner, self.outer, self.box_size, self.block_size = inner, outer, box_size, block_size
        self.side = box_size // block_size
        pixels = torch.eye(block_size**2, dtype=torch.float64).reshape(-1, 1, block_size, block_size)
        self.matrix = inner.analysis(pixels).flatten(1).mT

    @classmethod
    def of(cls, wavelet: Wavelet, box_size: int, block_size: int) -> HaarBlocks | None:
        """Return the blocks of a wavelet, or None where scales and blocks do not fit."""
        levels, within = len(wavelet.sizes(box_size)), block_size.bit_length() - 1
        if wavelet.filters.dec_len != 2 or block_size != 1 << within or not 1 <= within <= levels:
            return None
        outer = Wavelet(wavelet.wavelet, levels - within) if levels > within else None
        return cls(Wavelet(wavelet.wavelet, within), outer, box_size, block_size)

    @property
    def layout(self) -> Layout:
        """The transforms, and where the coarsest scale is."""
        coarse = torch.ones(self.side, self.side, dtype=torch.bool) if self.outer is None else self.outer.coarse(self.side)
        return Layout(self.analysis, self.synthesis, coarse.flatten().nonzero().flatten() * self.block_size**2)

    def analysis(self, x: Tensor) -> Tensor:
        """Return the coefficients (b, (n / K)^2, K^2) of images (b, 1, n, n)."""
        g, k = self.side, self.block_size
        tiles = x.reshape(-1, g, k, g, k).permute(0, 1, 3, 2, 4).reshape(-1, g * g, k * k)
        c = torch.bmm(tiles, self.matrix.to(x).mT.expand(len(x), -1, -1))
        return self._with_means(c, c, self._outer_analysis)

    def synthesis(self, c: Tensor) -> Tensor:
        """Invert ``analysis``: return images (b, 1, n, n)."""
        g, k = self.side, self.block_size
        tiles = torch.bmm(self._with_means(c.clone(), c, self._outer_synthesis), self.matrix.to(c).expand(len(c), -1, -1))
        return tiles.reshape(-1, g, g, k, k).permute(0, 1, 3, 2, 4).reshape(-1, 1, g * k, g * k)

    def outside(self, move: Map) -> Map:
        """Return a map of these coefficients, given one of each block's own."""

        def moved(c: Tensor) -> Tensor:
            made = move(self._with_means(c.clone(), c, self._outer_synthesis))
            return self._with_means(made, made, self._outer_analysis)

        return moved

    def _with_means(self, into: Tensor, c: Tensor, make: Map) -> Tensor:
        into[..., 0] = make(c[..., 0].reshape(-1, 1, self.side, self.side)).flatten(1)
        return into

    def _outer_analysis(self, x: Tensor) -> Tensor:
        return x if self.outer is None else self.outer.analysis(x)

    def _outer_synthesis(self, x: Tensor) -> Tensor:
        return x if self.outer is None else self.outer.synthesis(x)
