"""Products of each block's matrix with the coefficients of that block in all images."""

from __future__ import annotations

import torch
from torch import Tensor

from cryosense.operators.base import DataStep

COLUMNS = 16  # images in products are padded to a multiple of this, see ``PixelMasking._filled``
FEW_PIXELS = 16  # of a block: another pass over memory takes longer than the multiplications it saves


def block_products(matrices: Tensor, offset: Tensor, own: bool) -> DataStep:
    """Return the map ``c -> M c + offset`` of coefficients (b, blocks, K^2).

    Args:
        matrices: M, (1 or b, blocks, K^2, K^2).
        offset: (b, blocks, K^2).
        own: whether each image has its own matrices, even a single one.
    """

    def product(c: Tensor) -> Tensor:
        if own:
            return torch.add((matrices @ c[..., None])[..., 0], offset)
        rows = c.new_zeros(c.shape[1], len(c) + -len(c) % COLUMNS, c.shape[2])
        rows[:, : len(c)] = c.transpose(0, 1)
        return torch.add(torch.bmm(rows, matrices[0].mT)[:, : len(c)].transpose(0, 1), offset, out=torch.empty_like(c))

    return product


def pulled_blocks(right: Tensor, shrinking: Tensor, offset: Tensor, own: bool) -> DataStep:
    """Return the map ``z -> z + shrinking right z + offset`` of blocks, (1 or b, blocks, K^2, b or 1).

    Args:
        right: (1 or b, blocks, m, K^2).
        shrinking: (1 or b, blocks, K^2, m).
        offset: as the blocks.
        own: whether each image has its own matrices, even a single one.
    """

    def product(matrices: Tensor, blocks: Tensor, added: Tensor) -> Tensor:
        return (matrices @ blocks).add_(added) if own else torch.baddbmm(added[0], matrices[0], blocks[0])

    rows, pixels = right.shape[-2:]
    if 2 * rows >= pixels or (pixels <= FEW_PIXELS and not own):  # as few multiplications as two products, or hardly more
        whole = torch.eye(pixels).to(right) + shrinking @ right
        return lambda z: product(whole, z, offset)
    return lambda z: product(shrinking, right @ z, offset + z)
