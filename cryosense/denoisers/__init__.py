"""Image models as denoisers: E[x_0 | x_t] of a diffusion with a known noise schedule."""

from cryosense.denoisers.base import Denoiser
from cryosense.denoisers.ddpm import DDPMDenoiser, PipelineError, open_ddpm, open_gaussian
from cryosense.denoisers.fitted import GaussianFromImages
from cryosense.denoisers.gaussian import GaussianDenoiser

__all__ = ["DDPMDenoiser", "Denoiser", "GaussianDenoiser", "GaussianFromImages", "PipelineError", "open_ddpm", "open_gaussian"]
