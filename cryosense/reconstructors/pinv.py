"""Reconstruction without a prior."""

from __future__ import annotations

from torch import Tensor

from cryosense.operators import LinearOperator
from cryosense.reconstructors.base import Estimate, Reconstructor


class ZeroFilled(Reconstructor):
    """What is measured put back where it belongs, nothing inferred."""

    name = "zero_filled"

    def estimate(self, y: Tensor, operator: LinearOperator) -> Estimate:
        return Estimate(operator.zero_filled(y))


class PseudoInverse(Reconstructor):
    """A^+ y: of all images that fit the measurement, the smallest. The row that every prior must beat."""

    name = "pinv"

    def estimate(self, y: Tensor, operator: LinearOperator) -> Estimate:
        return Estimate(operator.pinv(y))
