"""Sparse reconstruction: argmin_x |A x - y|^2 / 2 + weight Psi(x), to a stated gap."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Self

from torch import Tensor

from cryosense.cpu_tiles import in_portions
from cryosense.errors import ArgumentError
from cryosense.measurement import Measurement
from cryosense.operators import LinearOperator
from cryosense.priors import Prior
from cryosense.reconstructors.base import Estimate, Reconstructor
from cryosense.reconstructors.methods import Method
from cryosense.solvers.proximal import Solution


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
            raise ArgumentError(f"reconstructor.weight={weight}: a positive weight is needed, or null to have one chosen")
        self.name = self.prior = name
        self.weight, self.method = weight, method
        self._make_prior = make_prior
        self._made: tuple[int, Prior] | None = None

    def with_weight(self, weight: float) -> Self:
        """-> this reconstructor with its weight set."""
        self.weight = weight
        return self

    def forward(self, measurement: Measurement) -> Estimate:
        y, operator = measurement.y, measurement.operator
        if self.weight is None:
            raise ArgumentError("reconstructor.weight is null and none was chosen on held-back images")
        minimise = partial(self._minimise, self._prior(operator.box_size).to(y.device), operator, self.weight)
        if operator.mask_sets > 1:
            return Estimate(*minimise(y))
        x, iterations, gap = in_portions(minimise, y, operator.box_size**2)
        return Estimate(x, iterations, gap)

    def _minimise(self, prior: Prior, operator: LinearOperator, weight: float, y: Tensor) -> Solution:
        return self.method.minimise(prior, y, operator, weight)

    def prepare(self, operator: LinearOperator) -> None:
        self._prior(operator.box_size)

    def _prior(self, box_size: int) -> Prior:
        if self._made is None or self._made[0] != box_size:
            self._made = (box_size, self._make_prior(box_size))
        return self._made[1]
