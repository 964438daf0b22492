"""All scores of a chunk of images: against the image that was measured and, where it is known, against the clean one."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cryosense.metrics.fsc import frc
from cryosense.metrics.image import correlation, mae, mse, psnr, ssim
from cryosense.metrics.lpips import Lpips


class Scores(nn.Module):
    """Scores per image; each depends on its own pair of images alone."""

    def __init__(self, lpips: Lpips | None) -> None:
        """``lpips``: the network, or None to leave its columns empty (NaN)."""
        super().__init__()
        self.lpips = lpips

    @torch.no_grad()
    def forward(self, reconstruction: Tensor, reference: Tensor) -> dict[str, Tensor]:
        """(b, 1, n, n) twice, in [-1, 1] -> psnr, ssim, lpips, mse, mae, each (b,), against the image that was measured."""
        return {
            "psnr": psnr(reconstruction, reference),
            "ssim": ssim(reconstruction, reference),
            "lpips": self._lpips(reconstruction, reference),
            "mse": mse(reconstruction, reference),
            "mae": mae(reconstruction, reference),
        }

    @torch.no_grad()
    def against_clean(self, reconstruction: Tensor, clean: Tensor) -> dict[str, Tensor]:
        """(b, 1, n, n), (b, 1, n, n) in [-1, 1] -> psnr_clean, ssim_clean, ..., each (b,), against the image without noise.

        ``correlation_clean`` and ``frc_area_clean`` (the mean Fourier ring correlation over rings 1 to Nyquist) ask how much
        signal is there; the others mostly measure how much noise is left.
        """
        return {
            "psnr_clean": psnr(reconstruction, clean),
            "ssim_clean": ssim(reconstruction, clean),
            "lpips_clean": self._lpips(reconstruction, clean),
            "mse_clean": mse(reconstruction, clean),
            "correlation_clean": correlation(reconstruction, clean),
            "frc_area_clean": frc(reconstruction, clean)[:, 1:].mean(dim=-1),
        }

    def _lpips(self, x: Tensor, reference: Tensor) -> Tensor:
        if self.lpips is None:
            return torch.full((len(x),), float("nan"), dtype=torch.float64, device=x.device)
        return self.lpips(x, reference)
