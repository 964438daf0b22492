"""Measurements: which operator for which particle, noise, quantisation; :func:`acquire` makes them, and nothing else does."""

from cryosense.measurement.acquire import acquire
from cryosense.measurement.baselines import AllPixels, FourierCrop
from cryosense.measurement.design import Design, FourierDesign, PixelDesign
from cryosense.measurement.entropy_budget import EntropyBudget
from cryosense.measurement.measurement import Measurement
from cryosense.measurement.noise import GaussianNoise, Noise, NoNoise, PoissonNoise
from cryosense.measurement.quantiser import Identity, Quantised, Quantiser

__all__ = [
    "AllPixels",
    "Design",
    "EntropyBudget",
    "FourierCrop",
    "FourierDesign",
    "GaussianNoise",
    "Identity",
    "Measurement",
    "NoNoise",
    "Noise",
    "PixelDesign",
    "PoissonNoise",
    "Quantised",
    "Quantiser",
    "acquire",
]
