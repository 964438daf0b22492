"""Samples of clean images by a network that is told the measurement and a noisy image: its posterior, drawn from."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from cryosense.cpu_tiles import in_equal_portions
from cryosense.errors import ArgumentError, UnrolledModelError
from cryosense.measurement import Measurement
from cryosense.operators import LinearOperator
from cryosense.reconstructors.base import Estimate
from cryosense.reconstructors.draws import keyed_noise
from cryosense.reconstructors.unrolled import NoisySample, Told, ToldSolver, Unrolled
from cryosense.reconstructors.unrolled.told import AT_A_TIME
from cryosense.solvers.diffused import DPMSolver

LEARNED_TO_SAMPLE = "sampling"  # in the name of the loss
PIXELS_AT_ONCE = 2**23  # of samples in memory at a time: 2048 of 64 px, a few GB


class LearnedPosterior(Unrolled):
    """Samples s ~ p(s | y) of the clean image s, y = A (s + noise): mask, noise and CTF are told, nothing is assumed of them.

    The network (``ToldSolver`` with ``samples=True``) learned ``E[s | y, s + std n]`` at every std, which is what a sampler
    asks for; ``E[s | y]``, what ``Unrolled`` returns, is its start. Samples agree with the measurement as far as the network
    learned to agree. Draws are keyed by seed, particle and sample: a result does not depend on what else is reconstructed.

    Args:
        path: as for ``Unrolled``, of networks that were trained with ``samples=True``.
        network_evaluations: calls of the network per sample; one more, for the start, serves all samples of an image.
        samples: samples per particle; their mean is the reconstruction.
        highest_std: standard deviation of the noise that sampling starts from, over that of the pixels of ``A^+ y``: the unit
            in which the network works.
        lowest_std: that of the last step but one. The network was trained from 0.01 to 20.
        rho: how levels are spread; see ``DPMSolver``.
        churn: how much of the noise is new in each step, 0 to 1.
        seed: seed of the draws.

    Raises:
        UnrolledModelError: a folder that is not a model, or a model that cannot be told a noisy image.
        ArgumentError: a number out of range.
    """

    name = "learned_posterior"
    sampler_name = "dpm_solver"

    def __init__(
        self,
        path: str | None = None,
        network_evaluations: int = 20,
        samples: int = 8,
        highest_std: float = 20.0,
        lowest_std: float = 0.01,
        rho: float = 7.0,
        churn: float = 0.0,
        seed: int = 0,
    ) -> None:
        super().__init__(path)
        if samples < 1 or network_evaluations < 1:
            raise ArgumentError(f"samples={samples}, network_evaluations={network_evaluations}: give 1 or more")
        self.sampler = DPMSolver(network_evaluations, highest_std, lowest_std, rho, churn)
        self.samples = self.samples_drawn = samples
        self.network_evaluations, self.seed = network_evaluations, seed
        for saved in self.saved.values():
            if not (isinstance(saved.solver, ToldSolver) and saved.solver.samples and LEARNED_TO_SAMPLE in saved.loss):
                raise UnrolledModelError(
                    f"path={self.path}: {saved.solver.name}, trained with the loss {saved.loss!r}, did not learn to sample: "
                    "give a ToldUNet that did, or take what this one gives (reconstructor=unrolled)"
                )

    def extra_repr(self) -> str:
        return f"path={self.path}, samples={self.samples}, sampler={self.sampler}, seed={self.seed}"

    @torch.no_grad()
    def forward(self, measurement: Measurement) -> Estimate:
        y, operator = measurement.y, measurement.operator
        saved = self._for(operator)
        network = saved.solver
        assert isinstance(network, ToldSolver)
        told = Told(ctf=measurement.ctf if saved.ctf else None)
        scene = (y, operator, told, network.reconstruct(y, operator, told), measurement.numbers.cpu())

        def work(pairs: Tensor) -> tuple[Tensor]:
            return (self._drawn(network, scene, pairs),)

        # All samples of an image beside each other, so that few images' masks are needed for one portion.
        pairs = torch.arange(len(y) * self.samples_drawn, device=y.device)
        size = max(PIXELS_AT_ONCE // operator.box_size**2 // AT_A_TIME, 1) * AT_A_TIME
        drawn = torch.cat([in_equal_portions(work, some, AT_A_TIME)[0] for some in pairs.split(size)])
        stacked = drawn.reshape(len(y), self.samples_drawn, *drawn.shape[1:]).transpose(0, 1).contiguous()
        several = self.samples_drawn > 1
        return Estimate(
            stacked.mean(0),
            network_evaluations=1 + self.samples_drawn * self.network_evaluations,
            deviation=stacked.std(0) if several else None,
            samples=stacked if several else None,
        )

    def _drawn(self, network: ToldSolver, scene: Scene, pairs: Tensor) -> Tensor:
        """Return one sample for each of pairs (p,), pair ``samples i + j`` being sample j of image i."""
        images, which = pairs // self.samples_drawn, (pairs % self.samples_drawn).tolist()
        y, operator, told, mean, numbers = scene
        y, operator, told, mean = y[images], operator.part(images), told.part(images), mean[images]
        keys = list(zip(numbers[images.cpu()].tolist(), which, strict=True))
        noise = keyed_noise(self.seed, keys, operator.box_size, mean)
        unit = network.units(y, operator)[1]

        def denoise(x: Tensor, std: float) -> Tensor:
            return network(y, operator, replace(told, sample=NoisySample(x, std * unit.flatten())))

        start = mean + self.sampler.highest_std * unit * noise(0)
        return self.sampler.draw(denoise, start, lambda i: unit * noise(i))


Scene = tuple[Tensor, LinearOperator, Told, Tensor, Tensor]  # y, A, what is told, E[s | y], numbers of the particles
