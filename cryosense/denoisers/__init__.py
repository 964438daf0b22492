"""Image models as denoisers: E[x_0 | x_t] of a diffusion with a known noise schedule."""

from cryosense.denoisers.base import Denoiser
from cryosense.denoisers.ddpm import DDPMDenoiser
from cryosense.denoisers.fitted import CleanGaussianFromImages, GaussianFromImages
from cryosense.denoisers.gaussian import GaussianDenoiser
from cryosense.denoisers.pipelines import PipelineError, open_ddpm, open_gaussian

__all__ = [
    "CleanGaussianFromImages",
    "DDPMDenoiser",
    "Denoiser",
    "GaussianDenoiser",
    "GaussianFromImages",
    "PipelineError",
    "open_ddpm",
    "open_gaussian",
]
