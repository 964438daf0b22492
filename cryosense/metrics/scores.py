"""All scores of a batch of images: against the image that was measured and, where it is known, against the clean one."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cryosense.metrics.lpips import Lpips
from cryosense.metrics.score_table import SCORES, Against


class Scores(nn.Module):
    """Scores per image, those of :data:`.SCORES`; each depends on its own pair of images alone."""

    def __init__(self, lpips: Lpips | None) -> None:
        """``lpips``: the network, or None to leave its columns empty (NaN)."""
        super().__init__()
        self.lpips = lpips

    @torch.no_grad()
    def forward(self, reconstruction: Tensor, reference: Tensor) -> dict[str, Tensor]:
        """(b, 1, n, n) twice, in [-1, 1] -> psnr, ssim, lpips, ..., each (b,), against the image that was measured."""
        return self._against(Against.MEASURED, reconstruction, reference)

    @torch.no_grad()
    def against_clean(self, reconstruction: Tensor, clean: Tensor) -> dict[str, Tensor]:
        """(b, 1, n, n), (b, 1, n, n) in [-1, 1] -> psnr_clean, ssim_clean, ..., each (b,), against the image without noise.

        ``correlation_clean`` and ``frc_area_clean`` (the mean Fourier ring correlation over rings 1 to Nyquist) ask how much
        signal is there; the others mostly measure how much noise is left.
        """
        return self._against(Against.CLEAN, reconstruction, clean)

    def _against(self, against: Against, x: Tensor, reference: Tensor) -> dict[str, Tensor]:
        scores = [score for score in SCORES if score.against is against]
        return {score.name: (score.function or self._lpips)(x, reference) for score in scores}

    def _lpips(self, x: Tensor, reference: Tensor) -> Tensor:
        if self.lpips is None:
            return torch.full((len(x),), float("nan"), dtype=torch.float64, device=x.device)
        return self.lpips(x, reference)
