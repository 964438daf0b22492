"""Two tasks for one told network: to reconstruct, and the same with a noisy image of what is wanted at hand."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from cryosense.errors import ArgumentError
from cryosense.reconstructors.unrolled import NoisySample, Told, ToldSolver, UnrolledSolver
from cryosense.training.batches import Batch
from cryosense.training.checks import check_shares, ends_above_zero
from cryosense.training.losses import AgainstClean, ReconstructionLoss
from cryosense.training.operators import DrawnMeasurement


class AgainstCleanAndSampling(ReconstructionLoss):
    """``AgainstClean``; in a share of the batches the solver is also told ``s + sigma n``, s the clean image and n white.

    The minimiser is E[s | y] and E[s | y, s + sigma n]: what ``LearnedPosterior`` samples with. The squared error is weighted
    with ``1 + var s / sigma^2`` where sigma is told: at low noise it is below sigma^2.

    Args:
        sampling_share: share of the batches in which a noisy image is told.
        sample_std: lowest and highest sigma, over the deviation of ``A^+ y``; its logarithm is drawn uniformly for each image.
        hidden_ctf_share: share of the batches whose CTFs are not told.

    Raises:
        ArgumentError: shares outside 0 to 1, or an empty range.
    """

    name = "clean and sampling"
    needs_clean = True

    def __init__(
        self, sampling_share: float = 0.5, sample_std: Sequence[float] = (0.01, 20.0), hidden_ctf_share: float = 0.15
    ) -> None:
        check_shares(sampling_share=sampling_share, hidden_ctf_share=hidden_ctf_share)
        self.sampling_share, self.hidden_ctf_share = sampling_share, hidden_ctf_share
        self.sample_std = ends_above_zero("sample_std", sample_std)
        self._clean = AgainstClean()

    def check(self, solver: UnrolledSolver) -> None:
        if not (isinstance(solver, ToldSolver) and solver.samples):
            raise ArgumentError(
                f"the loss {self.name!r} needs a ToldUNet that can be told a noisy image, not {type(solver).__name__} made "
                "without samples"
            )

    def __call__(self, solver: UnrolledSolver, batch: Batch, drawn: DrawnMeasurement, random: np.random.Generator) -> Tensor:
        sampling, hidden = random.random(2) < (self.sampling_share, self.hidden_ctf_share)
        seen = batch._replace(ctf=None) if hidden else batch
        return self._sampled(solver, seen, drawn, random) if sampling else self._clean(solver, seen, drawn, random)

    def _sampled(self, solver: UnrolledSolver, batch: Batch, drawn: DrawnMeasurement, random: np.random.Generator) -> Tensor:
        assert batch.clean is not None
        assert isinstance(solver, ToldSolver)
        s, measurement = batch.clean, drawn.measure(batch.images)
        y, operator = measurement.y, measurement.operator
        low, high = map(math.log, self.sample_std)
        share = torch.from_numpy(np.exp(random.uniform(low, high, len(s)))).to(s)
        sigma = share * solver.units(y, operator)[1].flatten()
        noise = torch.from_numpy(random.standard_normal(s.shape, dtype=np.float32)).to(s)
        sample = NoisySample(s + sigma[:, None, None, None] * noise, sigma)
        error = (solver(y, operator, Told(ctf=batch.ctf, sample=sample)) - s).square().flatten(1).mean(1)
        return error * (1 + s.flatten(1).var(1) / sigma**2)
