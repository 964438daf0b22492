"""Scores per image, f(x, reference) with images in [-1, 1], and Fourier shell correlation."""

from cryosense.metrics.fsc import frc, fsc, resolution_angstrom
from cryosense.metrics.image import correlation, mae, mse, psnr, ssim
from cryosense.metrics.lpips import Lpips, lpips
from cryosense.metrics.scores import Scores

__all__ = ["Lpips", "Scores", "correlation", "frc", "fsc", "lpips", "mae", "mse", "psnr", "resolution_angstrom", "ssim"]
