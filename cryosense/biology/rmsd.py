"""Root-mean-square deviation of many pairs of chains at once, as they are and superposed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True)
class Superposition:
    """Rigid motions ``R x + t``: proper rotations (p, 3, 3) and translations (p, 3) in Angstrom."""

    rotations: Tensor
    translations: Tensor

    @classmethod
    def identity(cls, pairs: int) -> Self:
        """Return p motions that move nothing."""
        return cls(torch.eye(3, dtype=torch.float64).expand(pairs, 3, 3), torch.zeros(pairs, 3, dtype=torch.float64))

    def __call__(self, positions: Tensor, pair: Tensor) -> Tensor:
        """Return the moved positions, (t, 3), given the pair (t,) of each."""
        return torch.einsum("tij,tj->ti", self.rotations[pair], positions) + self.translations[pair]


def rmsd(moving: Tensor, fixed: Tensor, pair: Tensor, pairs: int) -> Tensor:
    """Return the RMSD of each pair in Angstrom, (p,), of positions (t, 3), (t, 3); NaN for a pair without atoms."""
    return _means((moving - fixed).square().sum(-1), pair, pairs).sqrt()


def superpose(moving: Tensor, fixed: Tensor, pair: Tensor, pairs: int) -> Superposition:
    """Return for each of p pairs the rigid motion with the least RMSD (Kabsch 1976, 1978).

    Positions are (t, 3), (t, 3) in Angstrom, and ``pair`` (t,) int64 is the pair of each. Atoms of all pairs follow each
    other, so that pairs of any lengths are done together, and none depends on another. Pairs without atoms get the identity.
    """
    centre_moving, centre_fixed = (_means(each, pair, pairs).nan_to_num() for each in (moving, fixed))
    outer = (fixed - centre_fixed[pair])[:, :, None] * (moving - centre_moving[pair])[:, None, :]
    covariance = torch.zeros(pairs, 3, 3, dtype=moving.dtype, device=moving.device).index_add_(0, pair, outer)
    u, _, vh = torch.linalg.svd(covariance)
    # Without this, the best orthogonal map of a nearly flat set of atoms may be a reflection.
    sign = torch.ones_like(centre_fixed)
    sign[:, 2] = torch.linalg.det(u @ vh).sign()
    rotations = (u * sign[:, None, :]) @ vh
    return Superposition(rotations, centre_fixed - (rotations @ centre_moving[:, :, None])[:, :, 0])


def _means(values: Tensor, pair: Tensor, pairs: int) -> Tensor:
    """Return the mean over each pair, (p, ...), of values (t, ...)."""
    sums = torch.zeros(pairs, *values.shape[1:], dtype=values.dtype, device=values.device).index_add_(0, pair, values)
    counts = torch.bincount(pair, minlength=pairs).to(values.dtype)
    return sums / counts.reshape(-1, *[1] * (values.ndim - 1))
