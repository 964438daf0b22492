"""A training run: from a stack and a model to a folder of weights, resumed where it was interrupted."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import Logger

from cryosense.data import Geometry, ParticleSource, ParticleStack, Scaling, SurveyRecord
from cryosense.errors import ArgumentError
from cryosense.files.writing import write_text
from cryosense.runs.inputs import Stamps
from cryosense.runs.record import Kind
from cryosense.training.augmentation import Augmentation, refuse_unturned
from cryosense.training.averaged import AveragedTraining
from cryosense.training.checkpoints import Checkpoints, WholeFiles, step_of
from cryosense.training.datamodule import ParticleDataModule
from cryosense.training.facts import write_facts
from cryosense.training.file_masks import refuse_turning
from cryosense.training.halves import usable_halves
from cryosense.training.samples import SampleGrid
from cryosense.training.splits import Split, split

TRAINING = Kind(
    results=("model/**/*", "split.json"),
    scratch=("model.unfinished",),
    beside=("losses.csv", "checkpoints", "samples", "tensorboard", "wandb", ".data"),
)


@dataclass(frozen=True)
class Training:
    """Everything that a training run is made of.

    Attributes:
        source: images and, where known, clean images.
        geometry: cropping of the images.
        scaling, augmentation: what is done to the images.
        make_model: makes the Lightning module.
        make_trainer: Lightning's Trainer without what is set here: loggers, callbacks, directory, steps.
        make_logger: makes a logger from directory and first step.
        batch_size: per process.
        validation_fraction, validation_images: share of particles withheld from training, and how many of them are used.
        validate_every, checkpoint_every, sample_every: optimiser steps.
        sample_images, sample_network_evaluations: of the pictures drawn during training from a model that can be sampled.
        steps: optimiser steps in all.
        workers: processes that read ahead.
        skip_bad: leave out particles that are constant or not finite, instead of stopping.

    Raises:
        ArgumentError: a count of steps or images below 1.
    """

    source: ParticleSource
    geometry: Geometry
    scaling: Scaling
    augmentation: Augmentation
    make_model: Callable[[], AveragedTraining]
    make_trainer: Callable[..., pl.Trainer]
    make_logger: Callable[[Path, int], Logger]
    batch_size: int = 16
    validation_fraction: float = 0.05
    validation_images: int = 512
    validate_every: int = 1000
    checkpoint_every: int = 500
    sample_every: int = 1000
    sample_images: int = 16
    sample_network_evaluations: int = 50
    steps: int = 10000
    workers: int = 0
    skip_bad: bool = False
    chunk_size: int = 256
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "validate_every", "checkpoint_every", "sample_every", "chunk_size"):
            if getattr(self, name) < 1:
                raise ArgumentError(f"{name} must be at least 1, not {getattr(self, name)}")

    @property
    def _particles(self) -> ParticleSource:
        return self.source.transformed(self.geometry)

    def module(self) -> AveragedTraining:
        """Return the untrained module. Raises ParticleDataError if the particles do not fit it."""
        module = self.make_model()
        module.check(self._particles)
        refuse_turning(self._particles, self.augmentation)
        refuse_unturned(self.augmentation, module.ctf)
        return module

    def run(self, module: AveragedTraining, directory: Path, files: Stamps | None = None) -> Path:
        """Train a module as far as still needed and return the folder of weights, ``directory / "model"``.

        Writes ``split.json``, ``checkpoints/last.ckpt`` and what the logger and the samples write while it works; the model
        comes last. ``files``: size and modification time of what is read, see ``SurveyRecord``.

        Raises:
            ParticleDataError: images that cannot be used, or too few.
            UntrustedFileError: a damaged checkpoint to resume from.
        """
        model_folder = directory / "model"
        particles = self._particles
        numbers = torch.arange(len(particles.images))
        record = SurveyRecord.for_data(directory / ".data", particles.data_fingerprint, files or {}, numbers)
        survey = record.survey(particles.images, self.chunk_size)
        usable = survey.usable(particles.images.path, self.skip_bad, numbers)
        particles = particles.select(usable_halves(particles, usable, self.skip_bad, self.chunk_size))
        module.take(particles)
        stack = particles.images
        scaling = self.scaling.fit_to(survey.mean, survey.deviation)
        parts = split(stack, self.validation_fraction, self.seed)
        directory.mkdir(parents=True, exist_ok=True)
        self._write_split(directory, parts)
        data = ParticleDataModule(
            particles,
            parts,
            scaling,
            self.augmentation,
            batch_size=self.batch_size,
            validation_images=self.validation_images,
            workers=self.workers,
            seed=self.seed,
        )
        data.see_through(module.ctf)
        module.learn(stack.select(parts.train), scaling, self.chunk_size)
        last = directory / "checkpoints" / "last.ckpt"
        trainer = self._trainer(directory, step_of(last), module.samples)
        self._fit(trainer, module, data, last)
        if trainer.is_global_zero and trainer.global_step >= self.steps:
            self._export(module, scaling, stack.select(parts.train), model_folder)
        return model_folder

    def _fit(self, trainer: pl.Trainer, module: AveragedTraining, data: ParticleDataModule, last: Path) -> None:
        try:
            trainer.fit(module, datamodule=data, ckpt_path=str(last) if last.is_file() else None, weights_only=True)
        except SystemExit as ended:
            if ended.code == 1 and trainer.interrupted:  # how Lightning reports Ctrl-C
                raise KeyboardInterrupt from None
            raise
        for logger in trainer.loggers:
            logger.save()

    def _trainer(self, directory: Path, first_step: int, samples: bool) -> pl.Trainer:
        callbacks: list[Callback] = [Checkpoints(directory / "checkpoints", self.checkpoint_every)]
        if samples:
            callbacks.append(
                SampleGrid(
                    directory / "samples",
                    every_steps=self.sample_every,
                    images=self.sample_images,
                    network_evaluations=self.sample_network_evaluations,
                    seed=self.seed,
                )
            )
        return self.make_trainer(
            default_root_dir=directory,
            logger=self.make_logger(directory, first_step),
            callbacks=callbacks,
            plugins=[WholeFiles()],
            max_steps=self.steps,
            max_epochs=-1,
            val_check_interval=self.validate_every,
            check_val_every_n_epoch=None,
            use_distributed_sampler=False,
        )

    def _write_split(self, directory: Path, parts: Split) -> None:
        text = json.dumps({"by": parts.by, "train": len(parts.train), "validation": parts.validation.tolist()})
        write_text(directory / "split.json", text + "\n")

    def _export(self, module: AveragedTraining, scaling: Scaling, trained_on: ParticleStack, folder: Path) -> None:
        unfinished = folder.with_name(folder.name + ".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        module.export(unfinished)
        write_facts(unfinished, trained_on, scaling, self.chunk_size)
        shutil.rmtree(folder, ignore_errors=True)  # an incomplete one
        unfinished.rename(folder)
