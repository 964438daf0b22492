"""A measurement file used in place of a particle stack."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from cryosense.data import ParticleSource, ParticleStack, Scaling
from cryosense.data.geometry import Geometry
from cryosense.data.opening import Metadata
from cryosense.data.scaling import AsIs, PerImage, StackStatistics, UnitInterval
from cryosense.errors import ArgumentError, MeasurementFileError
from cryosense.measurement.file.container import SUFFIX
from cryosense.measurement.file.decoded import decoded
from cryosense.measurement.file.described import described
from cryosense.measurement.file.reading import MeasurementFile
from cryosense.measurement.measurement import Measurement

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class MeasuredSource(ParticleSource):
    """Particles of a measurement file. ``images`` are the originals if the reference is known, else decoded.

    Attributes:
        file: the measurements.
        positions: (n,) positions of these particles in the file.
        reference: whether ``images`` are the originals.
        listed: digest of which particles a table names and in which order; empty where the file's own is used.
    """

    file: MeasurementFile
    positions: Tensor
    reference: bool
    listed: str = ""

    def transformed(self, geometry: Geometry) -> MeasuredSource:
        """Return this source unchanged. Raises ArgumentError for a geometry that changes images."""
        if geometry.describe():
            raise ArgumentError("geometry: what is already measured cannot be cropped; measure the cropped stack")
        return self

    def select(self, indices: Tensor) -> MeasuredSource:
        return MeasuredSource(
            name=self.name,
            images=self.images.select(indices),
            clean=None if self.clean is None else self.clean.select(indices),
            whole=self.whole or self.images,
            file=self.file,
            positions=self.positions[indices],
            reference=self.reference,
            listed=self.listed,
        )

    @property
    def originals(self) -> bool:
        return self.reference

    def numbers(self, rows: Tensor) -> Tensor:
        return self.file.numbers[self.positions[rows]]

    @property
    def files(self) -> list[Path]:
        return [self.file.path, *super().files]

    def fingerprint(self) -> str:
        return f"{self.file.fingerprint} {_digest(self.positions)}"

    @cached_property
    def data_fingerprint(self) -> str:
        return f"{self.file.fingerprint} {self.listed}".strip()

    def measurement(self, rows: Tensor) -> tuple[Measurement, Tensor, Tensor]:
        """Return what was measured of the particles at rows (b,), and offset and gain (b,) of their scaling."""
        positions = self.positions[rows]
        return self.file.measurement(positions), *self.file.scaling(positions)

    def scaling(self) -> Scaling:
        """Return the scaling in which the images were measured."""
        said = self.file.description.content["scaling"]
        known: dict[str, Scaling] = {"as_is": AsIs(), "unit_interval": UnitInterval(), "per_image": PerImage()}
        if said.get("scaling") == "stack":
            try:
                return StackStatistics(float(said["deviations"])).fit_to(float(said["mean"]), float(said["deviation"]))
            except (KeyError, TypeError, ValueError) as error:  # a ParticleDataError of values among them
                raise MeasurementFileError(f"{self.file.path}: a scaling of the stack that cannot be: {error}") from error
        if said.get("scaling") not in known:
            raise MeasurementFileError(f"{self.file.path}: an unknown scaling {str(said)[:80]}")
        return known[said["scaling"]]


def open_particles(
    path: str | Path,
    metadata: Metadata | None = None,
    clean_path: str | Path | None = None,
    root: str | Path | None = None,
    pixel_size_angstrom: float | None = None,
    name: str | None = None,
    reference: str | Path | None = None,
    recover: bool = False,
) -> ParticleSource:
    """Open a particle stack (see ``ParticleSource.open``) or a measurement file.

    Args:
        metadata: for a measurement file, a STAR file that takes the place of its table: see ``described``.
        reference: for a measurement file, the stack that was measured: scores need it, reconstruction does not.
        recover: for a measurement file, leave out particles that are damaged or beyond its end, and say so.

    Raises:
        ParticleDataError, MeasurementFileError: files that cannot be used.
        ArgumentError: arguments that belong to the other kind of file.
    """
    if not str(path).endswith(SUFFIX):
        if reference is not None or recover:
            raise ArgumentError(f"reference, recover: {path} is not a measurement file (*{SUFFIX})")
        return ParticleSource.open(path, metadata, clean_path, root, pixel_size_angstrom, name)
    if pixel_size_angstrom is not None:
        raise ArgumentError(f"pixel_size_angstrom: {path} has its own")
    file = MeasurementFile.open(path, recover)
    if not recover:
        file.check()
    left = _left(file) if recover else torch.ones(len(file), dtype=torch.bool)
    originals = None if reference is None else _originals(file, ParticleStack.open(reference, root=root), "reference")
    clean = None if clean_path is None else _originals(file, ParticleStack.open(clean_path, root=root), "clean_path")
    whole = MeasuredSource(
        name=name or file.path.name.removesuffix(SUFFIX),
        images=decoded(file) if originals is None else originals,
        clean=clean,
        file=file,
        positions=torch.arange(len(file)),
        reference=originals is not None,
    )
    if metadata is not None:
        whole = _of_table(whole, metadata)
    usable = left[whole.positions].nonzero()[:, 0]
    if not len(usable):
        raise MeasurementFileError(f"{path}: no particle can be read")
    return whole if len(usable) == len(whole.positions) else whole.select(usable)


def _of_table(source: MeasuredSource, metadata: Metadata) -> MeasuredSource:
    """Return the particles that a STAR file names, with its tables."""
    rows, tables = described(source.file, metadata)
    positions = torch.from_numpy(rows)
    return MeasuredSource(
        name=source.name,
        images=source.images.select(positions).described_by(tables),
        clean=None if source.clean is None else source.clean.select(positions),
        file=source.file,
        positions=positions,
        reference=source.reference,
        listed=_digest(positions),
    )


def _digest(positions: Tensor) -> str:
    return hashlib.sha256(positions.numpy().tobytes()).hexdigest()[:8]


def _originals(file: MeasurementFile, stack: ParticleStack, key: str) -> ParticleStack:
    """Return the particles of the file in the stack that was measured. Raises ArgumentError for a different stack."""
    if stack.box_size != file.box_size:
        raise ArgumentError(f"{key}={stack.path}: {stack.box_size} px, but {file.path} was measured at {file.box_size} px")
    if len(stack) <= int(file.numbers.max()):
        raise ArgumentError(f"{key}={stack.path}: {len(stack)} images; {file.path} has particle {int(file.numbers.max())}")
    return stack.select(file.numbers)


def _left(file: MeasurementFile) -> Tensor:
    """Return which particles can be read, (n,) bool, and log which cannot."""
    missing = file.missing()
    if len(missing):
        LOG.warning("%s: %d particles are gone, by position: %s", file.path, len(missing), shown(missing.tolist()))
    left = torch.ones(len(file), dtype=torch.bool)
    left[missing] = False
    return left


def shown(numbers: Sequence[int]) -> str:
    """Return 1, 2, ... as ranges, such as 3-7, 12."""
    parts, start = [], None
    for here, after in zip(numbers, [*numbers[1:], None], strict=True):
        start = here if start is None else start
        if after != here + 1:
            parts.append(f"{start}" if start == here else f"{start}-{here}")
            start = None
    return ", ".join(parts)
