"""A measurement file as measurements: any of its particles, decoded when they are asked for."""

from __future__ import annotations

import zlib
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from cryosense.data.tables import typed
from cryosense.errors import MeasurementFileError
from cryosense.measurement.file.container import LAST, Container, open_container
from cryosense.measurement.file.description import Description, read_description
from cryosense.measurement.measurement import Measurement
from cryosense.operators.base import LinearOperator


class MeasurementFile:
    """The n particles of a file as they were measured; levels are read only on demand. Made by ``open``.

    Positions count the particles of the file from 0; ``numbers`` are those they had in the stack that was measured.
    """

    def __init__(self, container: Container, description: Description) -> None:
        self.path, self.description = container.path, description
        self.box_size, self.pixel_size_angstrom = description.box_size, description.pixel_size_angstrom
        self.design, self.noise, self.quantiser = description.design, description.noise, description.quantiser
        self.numbers = torch.from_numpy(description.numbers.copy())
        self._container, self._checked = container, set[int]()

    @classmethod
    def open(cls, path: str | Path, recover: bool = False) -> MeasurementFile:
        """Open a file that ``cryosense measure`` wrote.

        Args:
            path: the file.
            recover: also open a file that was cut short, whose whole blocks can be read; see ``missing``.

        Raises:
            MeasurementFileError: a file of another kind or version, damaged, cut short, or one that contradicts itself.
        """
        container = open_container(Path(path))
        if container.available != container.size and not (recover and container.available < container.size):
            raise MeasurementFileError(
                f"{path}: {container.available} bytes, but {container.size} were written: it was cut short or changed; "
                "recover=true reads the particles that are left"
            )
        return cls(container, read_description(container))

    def __repr__(self) -> str:
        return f"MeasurementFile({self.path}, {len(self)} particles of {self.box_size} px, {self.design}, {self.quantiser})"

    def __len__(self) -> int:
        return len(self.description.numbers)

    @property
    def metadata(self) -> pd.DataFrame:
        """One row per particle, with RELION's column names; ``description.tables`` has the words of the measured file."""
        return typed(self.description.tables.particles)

    @property
    def optics(self) -> pd.DataFrame | None:
        """RELION's table of optics groups, or None if the file has none."""
        optics = self.description.tables.optics
        return None if optics is None else typed(optics)

    @property
    def bytes_per_particle(self) -> float:
        """Bytes of the whole file per particle, tables and index included."""
        return self._container.size / len(self)

    @property
    def ratio(self) -> float:
        """Bytes of the particles as float32 over those of the file."""
        return 4 * self.box_size**2 / self.bytes_per_particle

    @property
    def level_bytes(self) -> Tensor:
        """Bytes of the levels of each particle, (n,) int64."""
        return torch.from_numpy(np.diff(self.description.starts))

    def check(self) -> None:
        """Read everything and raise MeasurementFileError for the first damaged block."""
        for number in range(len(self.description.checksums)):
            self._check_block(number)

    def missing(self) -> Tensor:
        """Read everything and return the positions of the particles whose block is damaged or beyond the file's end."""
        block, lost = self.description.block, []
        for number in range(len(self.description.checksums)):
            try:
                self._check_block(number)
            except MeasurementFileError:
                lost.append(torch.arange(number * block, min((number + 1) * block, len(self))))
        return torch.cat(lost) if lost else torch.zeros(0, dtype=torch.int64)

    def operator(self, positions: Tensor) -> LinearOperator:
        """Return the operator that measured the particles at positions (b,)."""
        return self.quantiser.operator(self.design.operator(self.box_size, self.numbers[positions]))

    def measurement(self, positions: Tensor) -> Measurement:
        """Return what was measured of the particles at positions (b,).

        Raises:
            MeasurementFileError: particles of a damaged block, or beyond the end of a file that was cut short.
        """
        contents, numbers = self._contents(positions), self.numbers[positions]
        try:
            operator = self.operator(positions)
            y = self.quantiser.decode(contents, operator, numbers)
            noise_std = torch.hypot(self.noise.row_std(operator), self.quantiser.row_noise(operator))
        except ValueError as error:
            raise MeasurementFileError(f"{self.path}: particles {_shown(positions)}: {error}") from error
        bits = torch.tensor([8.0 * len(content) for content in contents], dtype=torch.float64)
        return Measurement(y, operator, noise_std, numbers, bits)

    def scaling(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Return offset and gain, (b,) each, at positions (b,): image = offset + gain (measured image)."""
        at = positions.numpy()
        return torch.from_numpy(self.description.offset[at]), torch.from_numpy(self.description.gain[at])

    @cached_property
    def fingerprint(self) -> str:
        """A digest of the description and of all levels, by the checksums of their blocks."""
        described = zlib.crc32(repr(sorted(self.description.content.items())).encode())
        return f"{zlib.crc32(self.description.checksums.tobytes()):08x}{described:08x}"

    def _contents(self, positions: Tensor) -> list[bytes]:
        starts, first = self.description.starts, self._container.entries[LAST].offset
        for number in np.unique(positions.numpy() // self.description.block):
            self._check_block(int(number))
        contents: list[bytes] = []
        for run in _runs(positions.numpy()):
            start, stop = int(starts[run[0]]), int(starts[run[-1] + 1])
            piece = self._container.read(first + start, stop - start)
            contents += [piece[starts[i] - start : starts[i + 1] - start] for i in run]
        return contents

    def _check_block(self, number: int) -> None:
        """Raise MeasurementFileError for a block that is damaged or missing; each is checked once."""
        if number in self._checked:
            return
        description = self.description
        first, last = number * description.block, min((number + 1) * description.block, len(self))
        start, stop = (int(description.starts[i]) for i in (first, last))
        content = self._container.read(self._container.entries[LAST].offset + start, stop - start)
        if zlib.crc32(content) != description.checksums[number]:
            raise MeasurementFileError(
                f"{self.path}: particles {first} to {last - 1} are damaged (checksum of block {number}); get the file "
                "again, or set recover=true to leave them out"
            )
        self._checked.add(number)


def _runs(positions: np.ndarray) -> list[np.ndarray]:
    """Return the positions in order, split where they are not consecutive."""
    return np.split(positions, np.flatnonzero(np.diff(positions) != 1) + 1) if len(positions) else []


def _shown(positions: Tensor) -> str:
    return f"{int(positions.min())} to {int(positions.max())}"
