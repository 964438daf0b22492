"""Measurements ``y = A x``: masks in pixel or Fourier space, and any other operator with a forward map and its adjoint."""

from cryosense.operators import masks
from cryosense.operators.base import LinearOperator
from cryosense.operators.decomposed import Decomposed
from cryosense.operators.each import Each
from cryosense.operators.fourier_sampling import FourierSampling
from cryosense.operators.pixel import PixelMasking

__all__ = ["Decomposed", "Each", "FourierSampling", "LinearOperator", "PixelMasking", "masks"]
