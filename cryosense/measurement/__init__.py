"""Measurements: which operator for which particle, noise, quantisation. Only ``acquire`` makes them."""

from cryosense.measurement.acquire import FIRST_PORTION, acquire, calibrate
from cryosense.measurement.baselines import AllPixels, FourierCrop
from cryosense.measurement.design import Design, OperatorDesign
from cryosense.measurement.entropy_budget import EntropyBudget
from cryosense.measurement.full import Full
from cryosense.measurement.mask_designs import FourierDesign, PixelDesign
from cryosense.measurement.measurement import Measurement
from cryosense.measurement.noise import GaussianNoise, Noise, NoNoise, PoissonNoise
from cryosense.measurement.quantiser import Identity, Quantised, Quantiser

__all__ = [
    "FIRST_PORTION",
    "AllPixels",
    "Design",
    "EntropyBudget",
    "FourierCrop",
    "FourierDesign",
    "Full",
    "GaussianNoise",
    "Identity",
    "Measurement",
    "NoNoise",
    "Noise",
    "OperatorDesign",
    "PixelDesign",
    "PoissonNoise",
    "Quantised",
    "Quantiser",
    "acquire",
    "calibrate",
]
