"""Convex priors on images: sparsity in a basis and total variation."""

from cryosense.priors.base import Prior
from cryosense.priors.bases import DCT, Basis, Wavelet
from cryosense.priors.sparse import L1
from cryosense.priors.tv import TotalVariation

__all__ = ["DCT", "L1", "Basis", "Prior", "TotalVariation", "Wavelet"]
