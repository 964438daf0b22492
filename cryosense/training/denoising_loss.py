"""Two tasks for one told solver: to reconstruct, and to take white noise of any strength off clean images."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from cryosense.errors import ArgumentError
from cryosense.measurement import Full
from cryosense.reconstructors.unrolled import Told, ToldSolver, UnrolledSolver
from cryosense.training.batches import Batch
from cryosense.training.checks import check_shares, ends_above_zero
from cryosense.training.losses import AgainstClean, ReconstructionLoss
from cryosense.training.operators import DrawnMeasurement


class AgainstCleanAndDenoising(ReconstructionLoss):
    """``AgainstClean`` for most batches; for the others the clean image s from ``s + sigma n``, all of it measured.

    With n white and sigma told, the minimiser is E[s | s + sigma n], a denoiser of clean images, which diffusion samplers
    take. Its squared error is weighted with ``1 + var s / sigma^2`` (Karras et al. 2022): at low noise it is below sigma^2.

    Args:
        denoising_share: share of the batches that are denoised.
        denoising_std: lowest and highest sigma, over the deviation of the clean image; its logarithm is drawn uniformly for
            each image.
        hidden_ctf_share: share of the batches whose CTFs are not told.

    Raises:
        ArgumentError: shares outside 0 to 1, or an empty range.
    """

    name = "clean and denoising"
    needs_clean = True

    def __init__(
        self,
        denoising_share: float = 0.2,
        denoising_std: Sequence[float] = (0.03, 30.0),
        hidden_ctf_share: float = 0.15,
    ) -> None:
        check_shares(denoising_share=denoising_share, hidden_ctf_share=hidden_ctf_share)
        self.denoising_share, self.hidden_ctf_share = denoising_share, hidden_ctf_share
        self.denoising_std = ends_above_zero("denoising_std", denoising_std)
        self._full, self._clean = Full(), AgainstClean()

    def check(self, solver: UnrolledSolver) -> None:
        if not isinstance(solver, ToldSolver):
            raise ArgumentError(
                f"the loss {self.name!r} needs a network that is told the noise, not {type(solver).__name__}: "
                "choose network=told_unet or unrolled_told"
            )

    def __call__(self, solver: UnrolledSolver, batch: Batch, drawn: DrawnMeasurement, random: np.random.Generator) -> Tensor:
        denoising, hidden = random.random(2) < (self.denoising_share, self.hidden_ctf_share)
        seen = batch._replace(ctf=None) if hidden else batch
        return self._denoised(solver, seen, random) if denoising else self._clean(solver, seen, drawn, random)

    def _denoised(self, solver: UnrolledSolver, batch: Batch, random: np.random.Generator) -> Tensor:
        assert batch.clean is not None
        assert isinstance(solver, ToldSolver)
        s = batch.clean
        low, high = map(math.log, self.denoising_std)
        deviation = s.flatten(1).std(1)
        sigma = deviation * torch.from_numpy(np.exp(random.uniform(low, high, len(s)))).to(s)
        noise = torch.from_numpy(random.standard_normal(s.shape, dtype=np.float32)).to(s)
        operator = self._full.operator(s.shape[-1], batch.particles).to(s.device)
        y = operator(s + sigma[:, None, None, None] * noise)
        error = (solver(y, operator, Told(sigma, batch.ctf)) - s).square().flatten(1).mean(1)
        return error * (1 + (deviation / sigma) ** 2)
