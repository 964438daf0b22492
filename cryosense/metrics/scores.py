"""All scores of a batch of images: against the measured image and, where it is known, against the clean one."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from cryosense.cpu_tiles import in_portions
from cryosense.errors import ArgumentError
from cryosense.metrics.lpips import Lpips
from cryosense.metrics.score_table import SCORES, Against, ImageScore
from cryosense.shown import ShowsInModule


class Scores(ShowsInModule, nn.Module):
    """Scores per image, those in ``SCORES``; each depends only on its own pair of images."""

    def __init__(self, lpips: Lpips | None, lpips_every: int = 1) -> None:
        """Take the network ``lpips``, or None to leave its columns empty (NaN); it scores every ``lpips_every``-th particle.

        Raises:
            ArgumentError: ``lpips_every`` is below 1.
        """
        super().__init__()
        if lpips_every < 1:
            raise ArgumentError(f"lpips_every={lpips_every}: give 1 or more")
        self.lpips, self.lpips_every = lpips, lpips_every

    @torch.no_grad()
    def forward(self, reconstruction: Tensor, reference: Tensor, numbers: Tensor | None = None) -> dict[str, Tensor]:
        """Return psnr, ssim, lpips and so on, each (b,), of images (b, 1, n, n) in [-1, 1] against the measured image.

        Particle ``numbers`` (b,) determine which have LPIPS (NaN for the others); without them all do.
        """
        return self._against(Against.MEASURED, reconstruction, reference, numbers)

    @torch.no_grad()
    def against_clean(self, reconstruction: Tensor, clean: Tensor, numbers: Tensor | None = None) -> dict[str, Tensor]:
        """Return psnr_clean, ssim_clean and so on, each (b,), of images (b, 1, n, n) in [-1, 1] against those without noise.

        ``correlation_clean`` and ``frc_area_clean`` (the mean Fourier ring correlation over rings 1 to Nyquist) ask how much
        signal is there; the others mostly measure how much noise is left.
        """
        return self._against(Against.CLEAN, reconstruction, clean, numbers)

    def _against(self, against: Against, x: Tensor, reference: Tensor, numbers: Tensor | None) -> dict[str, Tensor]:
        scores = [score for score in SCORES if score.against is against]
        functions = {score.name: score.function for score in scores if score.function is not None and score.of is None}
        numbered = torch.arange(len(x), device=x.device)
        made = in_portions(lambda some: _each(functions.values(), x[some], reference[some]), numbered, x[0].numel())
        found = dict(zip(functions, made, strict=True))
        for score in scores:
            if score.of is not None:
                other, function = score.of
                found[score.name] = function(found[other])
            elif score.function is None:
                found[score.name] = self._lpips(x, reference, numbers)
        return {score.name: found[score.name] for score in scores}

    def _lpips(self, x: Tensor, reference: Tensor, numbers: Tensor | None) -> Tensor:
        values = torch.full((len(x),), float("nan"), dtype=torch.float64, device=x.device)
        if self.lpips is None:
            return values
        chosen = torch.ones(len(x), dtype=torch.bool) if numbers is None else numbers.cpu() % self.lpips_every == 0
        chosen = chosen.to(x.device)
        if bool(chosen.any()):
            values[chosen] = self.lpips(x[chosen], reference[chosen])
        return values


def _each(functions: Iterable[ImageScore], x: Tensor, reference: Tensor) -> tuple[Tensor, ...]:
    return tuple(function(x, reference) for function in functions)
