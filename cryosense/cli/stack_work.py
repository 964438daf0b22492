"""What the verbs do alike that go through all particles of a stack, or through one shard of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig
from torch import Tensor

from cryosense.cli.building import SURVEYS, usable
from cryosense.data import ParticleSource, ParticleStack, SurveyRecord
from cryosense.measurement.file import MeasuredSource
from cryosense.runs.inputs import Stamps
from cryosense.runs.record import Kind
from cryosense.runs.run_directory import RunDirectory
from cryosense.runs.shards import Opening, Sharding, part_of


@dataclass(frozen=True, kw_only=True)
class StackWork(ABC):
    """What is to do in the directories of a run: of the whole, of a shard of it, and of all shards together.

    Attributes:
        source, images: the particles, and their images as they are worked on.
        record: where it is kept which images are usable.
        skip_bad: leave out images that are not, instead of stopping.
        formats: of pictures, besides PNG.
        progress: called with how many particles are done since its last call.
    """

    source: ParticleSource
    images: ParticleStack
    chunk_size: int
    record: SurveyRecord
    sharding: Sharding
    skip_bad: bool
    progress: Callable[[int], object]
    formats: Sequence[str] = ()

    @cached_property
    def usable(self) -> Tensor:
        """(m,) particle numbers: every image is looked at, unless another shard has, or it was when it was measured."""
        numbers = torch.arange(len(self.images))
        if isinstance(self.source, MeasuredSource):
            return numbers
        survey = self.record.survey(self.images, self.chunk_size)
        self.prepare(survey.mean, survey.deviation)
        return usable(survey, self.images.path, self.skip_bad, numbers)

    @property
    def own(self) -> Tensor:
        """(l,) those of them that are this shard's."""
        positions = part_of(len(self.usable), self.sharding)
        return self.usable[positions.start : positions.stop]

    @abstractmethod
    def prepare(self, mean: float, deviation: float) -> None:
        """Take the mean and the deviation of all images."""

    def do(self, directory: Path, opening: Opening, part: Kind) -> bool:
        """Do what is missing and return whether the run exists, not just parts; ``part`` is what a shard's directory holds."""
        return self.sharding.make(directory, opening, self.make, self.make_part, self.merge, part)

    @abstractmethod
    def make(self, directory: RunDirectory) -> None:
        """Make the undivided run."""

    @abstractmethod
    def make_part(self, directory: RunDirectory) -> None:
        """Make this shard."""

    @abstractmethod
    def merge(self, directory: RunDirectory, parts: list[Path]) -> None:
        """Make the run from its shards."""


def terms(cfg: DictConfig, source: ParticleSource, images: ParticleStack, files: Stamps) -> dict[str, Any]:
    """Return what ``StackWork`` takes from a composed config, but for ``progress``."""
    numbers = torch.arange(len(images))
    return {
        "source": source,
        "images": images,
        "chunk_size": cfg.chunk_size,
        "record": SurveyRecord.for_data(Path(cfg.output_dir) / SURVEYS, source.data_fingerprint, files, numbers),
        "sharding": Sharding(cfg.shard.index, cfg.shard.count),
        "skip_bad": cfg.data_checks.skip_bad,
        "formats": list(cfg.get("formats", ())),
    }


def say_unfinished(cfg: DictConfig, directory: str) -> None:
    """Say that this shard is done, and that others are not."""
    print(f"shard {cfg.shard.index} of {cfg.shard.count} has done what it can, others have not yet\n{directory}")
