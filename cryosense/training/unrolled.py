"""Training of an unrolled solver: a Lightning module that draws measurements and takes the mean of a loss."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from cryosense import seeding
from cryosense.data import ParticleDataError, ParticleSource, ParticleStack, Scaling
from cryosense.measurement.particle_ctf import ParticleCtf, check_choice
from cryosense.metrics import psnr
from cryosense.reconstructors.unrolled import ToldSolver, UnrolledSolver, save_solver
from cryosense.training.averaged import AveragedTraining
from cryosense.training.batches import Batch
from cryosense.training.file_masks import FileMasks, lacks_coefficients, refuse_lacking
from cryosense.training.halves import check_halves
from cryosense.training.losses import ReconstructionLoss, SplitMeasurement
from cryosense.training.operators import MixedOperators, SampledOperators
from cryosense.training.optimisation import Optimisation
from cryosense.training.solving import reconstruction
from cryosense.training.starts import Start

TRAINING_DRAW, VALIDATION_DRAW = 4, 5  # streams of the generator, beside those of the batches


class UnrolledTraining(AveragedTraining):
    """Training to reconstruct particles from measurements that are drawn anew for every batch, by seed and batch number.

    Args:
        make_network: makes the solver.
        operators: the measurements to draw.
        loss: loss of a reconstruction.
        optimisation: of the weights, and of their average.
        checkpointing: recompute each iteration in the backward pass instead of keeping its work: takes half as long again, in
            a fraction of the memory.
        seed: seed of the initial weights, the masks and the draws of the loss.
        ctf: ``auto``: a network that can be told CTFs is told those that the particles' table states; ``none``: it is not.
        start: the weights to start from; None: drawn ones. With those of a model the network is that model's, and
            ``make_network`` is not called.

    Raises:
        ArgumentError: another word for ``ctf``.
        UnrolledModelError: a model that cannot be started from.
    """

    network: UnrolledSolver

    def __init__(
        self,
        make_network: Callable[[], UnrolledSolver],
        operators: SampledOperators | MixedOperators,
        loss: ReconstructionLoss,
        optimisation: Optimisation,
        *,
        checkpointing: bool = False,
        seed: int = 0,
        ctf: str = "auto",
        start: Start | None = None,
    ) -> None:
        self.start = start or Start()
        super().__init__(self.start.network(make_network, seed, operators.kind), optimisation)
        self.started_from = self.start.files
        self.network.checkpointing = checkpointing
        self.operators: SampledOperators | MixedOperators | FileMasks = operators
        loss.check(self.network)
        self.loss, self.seed = loss, seed
        self.told_ctf = check_choice(ctf) and isinstance(self.network, ToldSolver)
        self._sums = torch.zeros(3, dtype=torch.float64)

    def check(self, source: ParticleSource) -> None:
        if self.loss.needs_clean and source.clean is None:
            raise ParticleDataError(
                f"{source.images.path}: loss={self.loss.name} needs clean images and none are known: give "
                "clean_path, or choose SplitMeasurement"
            )
        check_halves(source, self.loss.name, needed=self.loss.needs_halves)
        if self.loss.name != SplitMeasurement.name:
            refuse_lacking(source)
        if self.loss.sees_corners and lacks_coefficients(source):
            raise ParticleDataError(
                f"{source.images.path}: noise=estimated looks for noise in the corners, where images made from what masks "
                "measured show the particle too: give noise=white, or the stack"
            )
        self.take(source)
        self.start.check(self.operators.kind)
        self.network.prepare(source.images.box_size)

    def take(self, source: ParticleSource) -> None:
        if lacks_coefficients(source):
            self.operators = FileMasks(source)
        self.ctf = ParticleCtf.of(source) if self.told_ctf else None

    def learn(self, images: ParticleStack, scaling: Scaling, chunk_size: int) -> None:
        self.loss.learn(images, scaling, chunk_size)

    def losses(self, batch: Batch, index: int, stream: int) -> Tensor:
        """Return the loss of each image in a batch, (b,), its measurement fixed by seed, index and stream."""
        random = seeding.generator(self.seed, index, stream)
        return self.loss(self.network, batch, self.operators.draw(random, batch.particles), random)

    def training_step(self, batch: Batch, _: int) -> Tensor:
        index = batch.number * self.trainer.world_size + self.trainer.global_rank
        loss = self.losses(batch, index, TRAINING_DRAW).mean()
        self.log("train/loss", loss, prog_bar=True, batch_size=len(batch.images))
        return loss

    def validation_step(self, batch: Batch, _: int) -> None:
        with self.averaged_weights():
            losses = self.losses(batch, batch.number, VALIDATION_DRAW)
            scores = losses.new_tensor(torch.nan) if batch.clean is None else self._psnr(batch, batch.clean)
        self._sums += torch.tensor([losses.sum().item(), scores.sum().item(), len(losses)])

    def _psnr(self, batch: Batch, clean: Tensor) -> Tensor:
        """Return the PSNR in dB against the clean images, (b,), from the whole measurement."""
        drawn = self.operators.draw(seeding.generator(self.seed, batch.number, VALIDATION_DRAW), batch.particles)
        return psnr(reconstruction(self.network, batch, drawn), clean)

    def on_validation_epoch_end(self) -> None:
        loss, score, count = self._sums.tolist()
        self._sums.zero_()
        self.log("validation/loss", loss / count, prog_bar=True, rank_zero_only=True)
        if score == score:
            self.log("validation/psnr_clean", score / count, rank_zero_only=True)

    def export(self, folder: Path) -> None:
        """Write the folder that ``Unrolled`` opens, with the averaged weights."""
        with self.averaged_weights():
            save_solver(folder, self.network, self.operators.kind, self.loss.name, ctf=self.ctf is not None)
