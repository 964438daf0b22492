"""Reconstruction without a prior."""

from __future__ import annotations

from cryosense.measurement import Measurement
from cryosense.reconstructors.base import Estimate, Reconstructor


class ZeroFilled(Reconstructor):
    """What is measured, put back where it belongs; nothing is inferred."""

    name = "zero_filled"

    def forward(self, measurement: Measurement) -> Estimate:
        return Estimate(measurement.operator.zero_filled(measurement.y))


class PseudoInverse(Reconstructor):
    """The pseudo-inverse ``A^+ y``: of all images that fit the measurement, the smallest. The row that every prior must beat.

    Args:
        name: its name in tables; baselines are other measurements reconstructed by it.
    """

    def __init__(self, name: str = "pinv") -> None:
        super().__init__()
        self.name = name

    def extra_repr(self) -> str:
        return f"name={self.name}"

    def forward(self, measurement: Measurement) -> Estimate:
        return Estimate(measurement.operator.pinv(measurement.y))
