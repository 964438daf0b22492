"""Sparse reconstruction: ``argmin_x |A x - y|^2 / 2 + weight Psi(x)``, to a stated gap."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor

from cryosense.cpu_tiles import in_portions
from cryosense.errors import ArgumentError
from cryosense.measurement import Measurement
from cryosense.operators import LinearOperator
from cryosense.priors import Prior
from cryosense.reconstructors.base import Estimate, Reconstructor
from cryosense.reconstructors.methods import ADMM, Method

EXACT_DATA_STEPS = ADMM()


class Sparse(Reconstructor):
    """Reconstruction with any convex prior, such as l1 in a basis or total variation.

    Args:
        prior: Psi.
        weight: weight of the prior; None until it is chosen on held-back images.
        method: the algorithm.
        name: its name in records; None for the name of the prior.

    Raises:
        ArgumentError: a weight that is not positive.
    """

    def __init__(
        self, prior: Prior, weight: float | None = None, method: Method = EXACT_DATA_STEPS, name: str | None = None
    ) -> None:
        super().__init__()
        if weight is not None and not weight > 0:
            raise ArgumentError(f"weight={weight}: a positive weight is needed, or null to have one chosen")
        self.psi, self.weight, self.method = prior, weight, method
        self.name = self.prior = name or prior.name

    def with_weight(self, weight: float) -> Self:
        """Set the weight and return this reconstructor."""
        self.weight = weight
        return self

    def forward(self, measurement: Measurement) -> Estimate:
        y, operator, weight = measurement.y, measurement.operator, self.weight
        if weight is None:
            raise ArgumentError("weight is null and none was chosen on held-back images")

        def minimised(images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            return self.method.minimise(self.psi, y[images], operator.part(images), weight)

        numbers = torch.arange(len(y), device=y.device)
        x, iterations, gap = in_portions(minimised, numbers, operator.box_size**2)
        return Estimate(x, iterations, gap)

    def prepare(self, operator: LinearOperator) -> None:
        self.psi.prepare(operator.box_size)

    def extra_repr(self) -> str:
        return f"weight={self.weight}, method={self.method}"
