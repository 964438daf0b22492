"""From a particle stack to a measurement file: streamed in parts, resumed where it was interrupted, shared by processes."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cryosense.data import ParticleSource, Scaling
from cryosense.data.ahead import read_ahead
from cryosense.data.checks import refuse_bad
from cryosense.errors import ArgumentError, BusyError, MeasurementFileError, RunDirectoryError
from cryosense.measurement import FIRST_PORTION, Design, Noise, Quantiser, calibrate
from cryosense.measurement.file.plain import describe_design, describe_noise, describe_quantiser
from cryosense.measurement.file.rounding import MOST_DECIMALS, rounded
from cryosense.measurement.file.writing import BLOCK, Parts, write_file
from cryosense.measurement.quantisers import StoredQuantiser
from cryosense.runs.devices import CPU, moved, to_be_moved
from cryosense.runs.identity import Identity
from cryosense.runs.inputs import Stamps, changed
from cryosense.runs.lock import locked, locked_in_turn
from cryosense.runs.record import remove
from cryosense.runs.shards import Sharding
from cryosense.runs.signals import ending_in_order
from cryosense.tasks.measure.made import record_of

WHOLE = "whole.lock"  # held to record whose the parts are, or to put them together


@dataclass(frozen=True)
class Measuring:
    """Everything that a measurement file is made of.

    Attributes:
        source: particle images, those that can be used.
        particles: (n,) their numbers in the stack, by which all draws are keyed.
        scaling: fitted to the source.
        design, noise, quantiser: how they are measured.
        provenance: for the record, what made the file.
        part_particles: particles measured between two progress reports, a multiple of 64.
        sharding: of n shards each takes every n-th part; the one that finds all parts complete makes the file.
        chunk_size: particles in memory at once.
        files: stamps of the files that are read, taken before they were.
        table_decimals: decimals to which numbers in the particles' tables are rounded; None keeps them as written.

    Raises:
        ArgumentError: a number out of range.
    """

    source: ParticleSource
    particles: torch.Tensor
    scaling: Scaling
    design: Design
    noise: Noise
    quantiser: Quantiser
    provenance: dict[str, Any]
    part_particles: int
    sharding: Sharding
    chunk_size: int
    files: Stamps
    table_decimals: int | None = None
    device: torch.device = CPU

    def __post_init__(self) -> None:
        if self.part_particles < BLOCK or self.part_particles % BLOCK:
            raise ArgumentError(f"part_particles={self.part_particles}: a multiple of {BLOCK} is needed")
        if self.table_decimals is not None and not 0 <= self.table_decimals <= MOST_DECIMALS:
            raise ArgumentError(f"table_decimals={self.table_decimals}: 0 to {MOST_DECIMALS}, or null for all digits")
        if self.chunk_size < 1:
            raise ArgumentError(f"chunk_size={self.chunk_size}: at least 1 is needed")

    @cached_property
    def _stored(self) -> StoredQuantiser:
        if not isinstance(self.quantiser, StoredQuantiser):
            name = type(self.quantiser).__name__
            raise MeasurementFileError(f"quantiser: what {name} leaves cannot be stored; use float32 for numbers as they are")
        return self.quantiser

    def run(self, path: Path, identity: Identity, rerun: str | None, progress: Callable[[int], object]) -> bool:
        """Do what is still to do for a missing file; return whether it exists now, or parts of other shards are missing.

        Parts lie in ``<path>.parts`` until the file is made. ``progress`` is called with the number of particles done since
        its last call.

        Raises:
            CryosenseError: input that cannot be used; parts of another configuration, of other data or of other code.
            BusyError: another process makes these parts.
        """
        with at_work(path, self.sharding):
            return self.make(path, identity, rerun, progress)

    def make(self, path: Path, identity: Identity, rerun: str | None, progress: Callable[[int], object]) -> bool:
        """The same for who holds the lock, see ``at_work``."""
        description = self._description(identity)
        parts = Parts(parts_of(path), len(self.particles), self.part_particles)
        with locked_in_turn(parts.directory / WHOLE):
            if identity.owns(parts.directory) and identity.is_outdated(parts.directory, rerun):
                self._start_over(parts)
            if not identity.is_begun(parts.directory):
                identity.write(parts.directory)
        self._make_parts(parts, progress)
        if not all(parts.is_there(index) for index in range(len(parts))):
            return path.exists()
        with locked_in_turn(parts.directory / WHOLE):
            if not path.exists():
                self._refuse_replaced(parts)
                self._put_together(path, parts, description)
        shutil.rmtree(parts.directory, ignore_errors=True)
        return True

    def _make_parts(self, parts: Parts, progress: Callable[[int], object]) -> None:
        self._calibrate()
        for index in range(self.sharding.index, len(parts), self.sharding.count):
            if not parts.is_there(index):
                self._write(parts, index, progress)
            else:
                progress(len(parts.positions(index)))

    def _refuse_replaced(self, parts: Parts) -> None:
        """Raise RunDirectoryError if an input was changed meanwhile; what was made from it is removed."""
        replaced = changed(self.files)
        if replaced:
            self._start_over(parts)
            raise RunDirectoryError(f"{replaced[0]} was changed while it was measured: what was made is removed; run again")

    def _start_over(self, parts: Parts) -> None:
        remove(parts.directory, [each.name for each in parts.directory.iterdir() if each.suffix != ".lock"])

    @torch.no_grad()
    def _calibrate(self) -> None:
        images, _, _ = self.scaling(self.source.images[:FIRST_PORTION].to(self.device))
        calibrate(self._stored, images, self.particles[:FIRST_PORTION], self.design, self.noise)

    @torch.no_grad()
    def _write(self, parts: Parts, index: int, progress: Callable[[int], object]) -> None:
        contents, scaling, positions = [], [], parts.positions(index)
        starts = range(positions.start, positions.stop, self.chunk_size)
        chunks = (slice(start, min(start + self.chunk_size, positions.stop)) for start in starts)
        for rows, images in read_ahead(lambda rows: to_be_moved(self.source.images[rows], self.device), chunks):
            numbers = self.particles[rows]
            refuse_bad(self.source.images.path, numbers, images)
            scaled, offset, gain = self.scaling(moved(images, self.device))
            operator = self._stored.operator(self.design.operator(scaled.shape[-1], numbers)).to(self.device)
            contents += self._stored.encode(self.noise.measure(operator, scaled, numbers), operator, numbers)
            scaling.append(np.stack([offset.cpu().numpy(), gain.cpu().numpy()]))
            progress(len(numbers))
        parts.write(index, contents, np.concatenate(scaling, axis=1))

    def _put_together(self, path: Path, parts: Parts, description: dict[str, Any]) -> None:
        of = self.source.images.tables
        tables = {"particles": of.particles} | ({} if of.optics is None else {"optics": of.optics})
        if self.table_decimals is not None:
            tables = {name: rounded(table, self.table_decimals) for name, table in tables.items()}
        write_file(path, parts, description, self._stored, self.particles.numpy(), tables)

    def _description(self, identity: Identity) -> dict[str, Any]:
        images, quantiser = self.source.images, self._stored
        try:
            made = {"design": describe_design(self.design), "noise": describe_noise(self.noise)}
        except ValueError as error:
            raise MeasurementFileError(f"it cannot be written to a file: {error}") from error
        return {
            "name": self.source.name,
            "box_size": images.box_size,
            "pixel_size_angstrom": images.pixel_size_angstrom,
            "not_read": list(images.tables.not_read),
            **made,
            "quantiser": describe_quantiser(quantiser),
            "parts": quantiser.describe_parts(),
            "scaling": self.scaling.describe(),
            "provenance": {**self.provenance, **record_of(identity)},
        }


@contextmanager
def at_work(path: Path, sharding: Sharding) -> Iterator[None]:
    """Hold the lock of a shard's parts of a measurement file. Raises BusyError where another process makes them."""
    with ending_in_order(), locked(parts_of(path) / f"shard_{sharding.index:05d}_of_{sharding.count:05d}.lock"):
        yield


def remove_left(path: Path) -> None:
    """Remove the parts of a file that is made, which one that was killed just then has left, unless somebody works there."""
    parts = parts_of(path)
    if parts.is_dir():
        with suppress(BusyError), locked(parts / WHOLE):
            shutil.rmtree(parts, ignore_errors=True)


def parts_of(path: Path) -> Path:
    """Return the folder in which the parts of a measurement file lie until it is made."""
    return path.with_name(path.name + ".parts")
