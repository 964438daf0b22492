"""Measurements ``y = A x``: masks in pixel or Fourier space, and noise."""

from cryosense.operators import masks
from cryosense.operators.base import LinearOperator
from cryosense.operators.fourier_sampling import FourierSampling
from cryosense.operators.pixel import PixelMasking

__all__ = ["FourierSampling", "LinearOperator", "PixelMasking", "masks"]
