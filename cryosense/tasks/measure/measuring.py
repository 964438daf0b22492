"""From a particle stack to a measurement file: streamed in parts, continued where it was interrupted, shared by processes."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cryosense.data import ParticleDataError, ParticleSource, Scaling
from cryosense.data.checks import refuse_bad
from cryosense.errors import ArgumentError, MeasurementFileError
from cryosense.measurement import FIRST_PORTION, Design, Noise, Quantiser, calibrate
from cryosense.measurement.file import MeasurementFile
from cryosense.measurement.file.plain import describe_design, describe_noise, describe_quantiser
from cryosense.measurement.file.writing import BLOCK, Parts, write_file
from cryosense.measurement.quantisers import StoredQuantiser
from cryosense.runs.claims import claimed_in_turn
from cryosense.runs.record import open_run

EXPIRES_HOURS = 1.0  # of the claim of another host, while it puts parts together


@dataclass(frozen=True)
class Measuring:
    """All that a measurement file is made of.

    Attributes:
        source: particle images, those that can be used.
        particles: (n,) their numbers in the stack, by which all draws are keyed.
        scaling: fitted to the source.
        provenance: for the record: what made the file.
        part_particles: measured between two signs of progress, a multiple of 64.
        shard_index, shard_count: this process takes every ``shard_count``-th part; the one that finds all parts there makes
            the file.
        chunk_size: particles in memory at once.
    """

    source: ParticleSource
    particles: torch.Tensor
    scaling: Scaling
    design: Design
    noise: Noise
    quantiser: Quantiser
    provenance: dict[str, Any]
    part_particles: int
    shard_index: int
    shard_count: int
    chunk_size: int

    def __post_init__(self) -> None:
        if self.part_particles < BLOCK or self.part_particles % BLOCK:
            raise ArgumentError(f"part_particles={self.part_particles}: a multiple of {BLOCK} is needed")
        if self.chunk_size < 1:
            raise ArgumentError(f"chunk_size={self.chunk_size}: at least 1 is needed")
        if not 0 <= self.shard_index < self.shard_count:
            raise ArgumentError(f"shard.index={self.shard_index} of shard.count={self.shard_count}: shards are counted from 0")

    @cached_property
    def _stored(self) -> StoredQuantiser:
        if not isinstance(self.quantiser, StoredQuantiser):
            name = type(self.quantiser).__name__
            raise MeasurementFileError(f"quantiser: what {name} leaves cannot be stored; take float32 for numbers as they are")
        return self.quantiser

    def run(self, path: Path, identity: str, progress: Callable[[int], object]) -> bool:
        """Do what is still to do, nothing if the file is there. -> whether it is, or parts of other shards are missing.

        Parts lie in ``<path>.parts`` until the file is made. ``identity``: of the configuration; a file or parts of another
        are not touched. ``progress`` is called with the number of particles done since its last call.

        Raises:
            CryosenseError: input that cannot be used; a file of another configuration or of other data.
        """
        description = self._description(identity)
        if path.exists():
            self._refuse_other(path, description)
            progress(len(self.particles))
            return True
        parts = Parts(path.with_name(path.name + ".parts"), len(self.particles), self.part_particles)
        open_run(parts.directory, identity, self.source.fingerprint())
        self._calibrate()
        for index in range(self.shard_index, len(parts), self.shard_count):
            if not parts.is_there(index):
                self._write(parts, index, progress)
            else:
                progress(len(parts.positions(index)))
        if not all(parts.is_there(index) for index in range(len(parts))):
            return path.exists()
        with claimed_in_turn(parts.directory, EXPIRES_HOURS):
            if not path.exists():
                self._put_together(path, parts, description)
        shutil.rmtree(parts.directory, ignore_errors=True)
        return True

    @torch.no_grad()
    def _calibrate(self) -> None:
        images, _, _ = self.scaling(self.source.images[:FIRST_PORTION])
        calibrate(self._stored, images, self.particles[:FIRST_PORTION], self.design, self.noise)

    @torch.no_grad()
    def _write(self, parts: Parts, index: int, progress: Callable[[int], object]) -> None:
        contents, scaling, positions = [], [], parts.positions(index)
        for start in range(positions.start, positions.stop, self.chunk_size):
            rows = slice(start, min(start + self.chunk_size, positions.stop))
            images, numbers = self.source.images[rows], self.particles[rows]
            refuse_bad(self.source.images.path, numbers, images)
            scaled, offset, gain = self.scaling(images)
            operator = self._stored.operator(self.design.operator(scaled.shape[-1], numbers))
            contents += self._stored.encode(self.noise.measure(operator, scaled, numbers), operator, numbers)
            scaling.append(np.stack([offset.numpy(), gain.numpy()]))
            progress(len(numbers))
        parts.write(index, contents, np.concatenate(scaling, axis=1))

    def _put_together(self, path: Path, parts: Parts, description: dict[str, Any]) -> None:
        images = self.source.images
        tables = {"particles": images.metadata} | ({} if images.optics is None else {"optics": images.optics})
        write_file(path, parts, description, self._stored, self.particles.numpy(), tables)

    def _description(self, identity: str) -> dict[str, Any]:
        images, quantiser = self.source.images, self._stored
        try:
            made = {"design": describe_design(self.design), "noise": describe_noise(self.noise)}
        except ValueError as error:
            raise MeasurementFileError(f"it cannot be written to a file: {error}") from error
        return {
            "name": self.source.name,
            "box_size": images.box_size,
            "pixel_size_angstrom": images.pixel_size_angstrom,
            **made,
            "quantiser": describe_quantiser(quantiser),
            "parts": quantiser.describe_parts(),
            "scaling": self.scaling.describe(),
            "provenance": {
                **self.provenance,
                "configuration": hashlib.sha256(identity.encode()).hexdigest()[:16],
                "data": self.source.fingerprint(),
            },
        }

    def _refuse_other(self, path: Path, description: dict[str, Any]) -> None:
        known = MeasurementFile.open(path).description.content
        for key, what in (("configuration", "of another configuration"), ("data", "made of other images")):
            if known["provenance"].get(key) != description["provenance"][key]:
                raise MeasurementFileError(f"{path}: is a measurement file {what}: name another output, or remove it")
        if known["box_size"] != description["box_size"]:
            raise ParticleDataError(f"{path}: holds particles of {known['box_size']} px, not of {description['box_size']} px")
