"""Convex priors on images: sparsity in a basis, total variation."""

from cryosense.priors.base import Prior
from cryosense.priors.bases import DCT, Basis, Wavelet
from cryosense.priors.sparse import L1
from cryosense.priors.tv import AnisotropicTV, IsotropicTV, TotalVariation

__all__ = ["DCT", "L1", "AnisotropicTV", "Basis", "IsotropicTV", "Prior", "TotalVariation", "Wavelet"]
