"""Scores per image, f(x, reference) with images in [-1, 1], and Fourier shell correlation."""

from cryosense.metrics.conical_fsc import conical_fsc, half_sphere
from cryosense.metrics.equivalent_particles import equivalent_particles
from cryosense.metrics.fsc import frc, fsc, resolution_angstrom
from cryosense.metrics.fsc_bootstrap import fsc_replicates
from cryosense.metrics.image import correlation, mae, mse, psnr
from cryosense.metrics.lpips import Lpips, lpips
from cryosense.metrics.masked_fsc import HalfMapCurves, half_map_curves
from cryosense.metrics.scores import Scores
from cryosense.metrics.soft_masks import automatic_mask, sphere_mask
from cryosense.metrics.ssim import ssim

__all__ = [
    "HalfMapCurves",
    "Lpips",
    "Scores",
    "automatic_mask",
    "conical_fsc",
    "correlation",
    "equivalent_particles",
    "frc",
    "fsc",
    "fsc_replicates",
    "half_map_curves",
    "half_sphere",
    "lpips",
    "mae",
    "mse",
    "psnr",
    "resolution_angstrom",
    "sphere_mask",
    "ssim",
]
