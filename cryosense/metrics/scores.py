"""All scores of a batch of images: against the measured image and, where it is known, against the clean one."""

from __future__ import annotations

import importlib
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from cryosense.cpu_tiles import in_slices
from cryosense.errors import ArgumentError
from cryosense.metrics.lpips import Lpips
from cryosense.metrics.pairs import LOOPS, ImagePairs
from cryosense.metrics.score_table import SCORES, Against, Score
from cryosense.shown import ShowsInModule

FEW = 256  # pairs that torch scores in less time than it takes to load a compiler's loops


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
        self._scored = 0

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
        computed = [score for score in scores if score.function is not None]
        self._scored += len(x)
        if self._scored > FEW:
            importlib.import_module(LOOPS)
        made = in_slices(lambda some: _each(computed, ImagePairs(x[some], reference[some])), x)
        found = dict(zip((score.name for score in computed), made, strict=True))
        return {score.name: found[score.name] if score in computed else self._lpips(x, reference, numbers) for score in scores}

    def _lpips(self, x: Tensor, reference: Tensor, numbers: Tensor | None) -> Tensor:
        values = torch.full((len(x),), float("nan"), dtype=torch.float64, device=x.device)
        if self.lpips is None:
            return values
        chosen = torch.ones(len(x), dtype=torch.bool) if numbers is None else numbers.cpu() % self.lpips_every == 0
        chosen = chosen.to(x.device)
        if bool(chosen.any()):
            values[chosen] = self.lpips(x[chosen], reference[chosen])
        return values


def _each(scores: Iterable[Score], pairs: ImagePairs) -> tuple[Tensor, ...]:
    return tuple(score.values(pairs) for score in scores)
