"""Differentiable solvers with a fixed number of iterations and learned constants; the operator stays an argument."""

from cryosense.reconstructors.unrolled.bands import BandedBasis, DCTBands, WaveletBands
from cryosense.reconstructors.unrolled.network import UnrolledNetwork
from cryosense.reconstructors.unrolled.proximal import UnrolledADMM, UnrolledFISTA
from cryosense.reconstructors.unrolled.reconstructor import Unrolled
from cryosense.reconstructors.unrolled.saved import UnrolledModelError, open_solver, save_solver
from cryosense.reconstructors.unrolled.solver import UnrolledSolver
from cryosense.reconstructors.unrolled.told import NoisySample, Told, ToldNetwork, ToldSolver
from cryosense.reconstructors.unrolled.unet import ToldUNet

__all__ = [
    "BandedBasis",
    "DCTBands",
    "NoisySample",
    "Told",
    "ToldNetwork",
    "ToldSolver",
    "ToldUNet",
    "Unrolled",
    "UnrolledADMM",
    "UnrolledFISTA",
    "UnrolledModelError",
    "UnrolledNetwork",
    "UnrolledSolver",
    "WaveletBands",
    "open_solver",
    "save_solver",
]
