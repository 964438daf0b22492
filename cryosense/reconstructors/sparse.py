"""Sparse reconstruction: argmin_x |A x - y|^2 / 2 + weight Psi(x), to a stated gap."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import torch
from torch import Tensor

from cryosense.operators import LinearOperator
from cryosense.priors import Prior
from cryosense.reconstructors.base import Estimate, Reconstructor
from cryosense.reconstructors.methods import Method

CACHED_FLOATS = 2**18  # of one work array, 1 MiB: larger ones fall out of a core's cache and cost several times more


class Sparse(Reconstructor):
    """A convex prior, whatever it is: l1 in a basis, total variation.

    Args:
        name: of the prior, for the record.
        make_prior: box size -> prior, such as ``functools.partial(L1, basis=DCT, penalise_coarse=False)``.
        method: the algorithm.
        weight: of the prior; None until it is chosen on held-back images.
    """

    def __init__(self, name: str, make_prior: Callable[[int], Prior], method: Method, weight: float | None) -> None:
        super().__init__()
        if weight is not None and not weight > 0:
            raise ValueError(f"reconstructor.weight={weight}: a positive weight is needed, or null to have one chosen")
        self.prior, self.weight, self.method = name, weight, method
        self._make_prior = make_prior
        self._made: tuple[int, Prior] | None = None

    def with_weight(self, weight: float) -> Self:
        """-> this reconstructor with its weight set."""
        self.weight = weight
        return self

    def estimate(self, y: Tensor, operator: LinearOperator) -> Estimate:
        if self.weight is None:
            raise ValueError("reconstructor.weight is null and none was chosen on held-back images")
        prior = self._prior(operator.box_size).to(y.device)
        whole = operator.particles > 1 or y.device.type != "cpu"
        portion = len(y) if whole else max(1, CACHED_FLOATS // operator.box_size**2)
        solutions = [self.method.minimise(prior, part, operator, self.weight) for part in y.split(portion)]
        x, iterations, gap = (torch.cat(parts) for parts in zip(*solutions, strict=True))
        return Estimate(x, iterations, gap)

    def _prior(self, box_size: int) -> Prior:
        if self._made is None or self._made[0] != box_size:
            self._made = (box_size, self._make_prior(box_size))
        return self._made[1]
