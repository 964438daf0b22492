"""On-chip binning with random signs: each measurement sums a block of pixels, about half of them subtracted."""

from __future__ import annotations

import torch
from torch import Tensor

from cryosense.operators.base import LinearOperator
from cryosense.operators.masks import MaskError, Seed, keyed


class SignedBinning(LinearOperator):
    """The sum of each K x K block of pixels, (b, 1, n / K, n / K), every pixel with its own random sign.

    Args:
        box_size: n.
        compression: K^2, the square of a divisor of n.
        seed: seed of the signs.

    Raises:
        MaskError: a compression that is not such a square.
    """

    signs: Tensor

    def __init__(self, box_size: int, compression: float = 4.0, *, seed: Seed = 0) -> None:
        super().__init__()
        self.box_size, self.block_size = box_size, round(compression**0.5)
        if self.block_size**2 != compression or box_size % self.block_size:
            raise MaskError(f"compression={compression}: the square of a divisor of the box, {box_size} px, is needed")
        positive = keyed(seed).random((box_size, box_size)) < 0.5
        self.register_buffer("signs", torch.from_numpy(positive).float() * 2 - 1)

    def forward(self, x: Tensor) -> Tensor:
        k, g = self.block_size, self.box_size // self.block_size
        return (self.signs * x).reshape(-1, 1, g, k, g, k).sum((3, 5))

    def adjoint(self, y: Tensor) -> Tensor:
        k = self.block_size
        return self.signs * y.repeat_interleave(k, 2).repeat_interleave(k, 3)
