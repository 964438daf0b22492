"""From measurements to images, ``R(m) -> Estimate``: every method works with every operator."""

from cryosense.reconstructors.base import Estimate, Reconstructor
from cryosense.reconstructors.learned_posterior import LearnedPosterior
from cryosense.reconstructors.methods import ADMM, FISTA, Method
from cryosense.reconstructors.pinv import PseudoInverse, ZeroFilled
from cryosense.reconstructors.posterior import Posterior
from cryosense.reconstructors.samplers import Sampler
from cryosense.reconstructors.sparse import Sparse
from cryosense.reconstructors.unrolled import Unrolled
from cryosense.reconstructors.wiener import Wiener

__all__ = [
    "ADMM",
    "FISTA",
    "Estimate",
    "LearnedPosterior",
    "Method",
    "Posterior",
    "PseudoInverse",
    "Reconstructor",
    "Sampler",
    "Sparse",
    "Unrolled",
    "Wiener",
    "ZeroFilled",
]
