"""Quantisers with which measurement files are written."""

from cryosense.measurement.quantisers.floats import Float16, Float32
from cryosense.measurement.quantisers.kinds import ByShell, LloydMax, Sign, Trellis, Uniform
from cryosense.measurement.quantisers.layout import QuantiserError
from cryosense.measurement.quantisers.stored import StoredQuantiser, Tables

__all__ = [
    "ByShell",
    "Float16",
    "Float32",
    "LloydMax",
    "QuantiserError",
    "Sign",
    "StoredQuantiser",
    "Tables",
    "Trellis",
    "Uniform",
]
