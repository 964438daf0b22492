"""Poses from what was measured: projection matching that knows masks, CTF and noise."""

from .aligner import Aligned, Aligner, Fineness
from .calibration import Calibration
from .coefficients import Observed
from .posterior import Posterior, angles_between_deg
from .reference import low_passed

__all__ = ["Aligned", "Aligner", "Calibration", "Fineness", "Observed", "Posterior", "angles_between_deg", "low_passed"]
