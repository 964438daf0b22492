"""From measured particles to a measurement file: parts that are whole or missing, then one file, the same each time."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cryosense.errors import MeasurementFileError
from cryosense.files.writing import written_whole
from cryosense.measurement.file.container import write_container
from cryosense.measurement.file.table_codec import encode_tables
from cryosense.measurement.quantisers import StoredQuantiser

BLOCK = 64  # particles of one checksum


@dataclass(frozen=True)
class Part:
    """The bytes of some consecutive particles, their lengths (p,), and offset and gain, (2, p) float32."""

    lengths: np.ndarray
    scaling: np.ndarray
    levels: bytes


@dataclass(frozen=True)
class Parts:
    """Parts of a file on disk, each with ``size`` particles, a multiple of the block, except the last.

    Args:
        directory: where they are kept until the file is made.
        count: particles in all of them.
        size: particles in each.
    """

    directory: Path
    count: int
    size: int

    def __len__(self) -> int:
        return -(-self.count // self.size)

    def positions(self, index: int) -> range:
        """Return the particles of a part."""
        return range(index * self.size, min((index + 1) * self.size, self.count))

    def is_there(self, index: int) -> bool:
        """Return whether a part is complete."""
        return self._path(index).is_file()

    def write(self, index: int, contents: Sequence[bytes], scaling: np.ndarray) -> None:
        """Store the bytes of a part's particles and their offset and gain (2, p). Raises OSError if the disk is full."""
        lengths = np.array([len(content) for content in contents], "<u4")
        with written_whole(self._path(index)) as unfinished, unfinished.open("wb") as file:
            file.write(lengths.tobytes() + np.asarray(scaling, "<f4").tobytes())
            file.writelines(contents)

    def read(self, index: int) -> Part:
        """Return a part. Raises MeasurementFileError for one that is not what ``write`` wrote."""
        path, count = self._path(index), len(self.positions(index))
        content = path.read_bytes()
        lengths = np.frombuffer(content[: 4 * count], "<u4")
        scaling = np.frombuffer(content[4 * count : 12 * count], "<f4")
        levels = content[12 * count :]
        if len(lengths) != count or len(scaling) != 2 * count or int(lengths.sum()) != len(levels):
            raise MeasurementFileError(f"{path}: is damaged: remove it and run again")
        return Part(lengths, scaling.reshape(2, count), levels)

    def _path(self, index: int) -> Path:
        return self.directory / f"part_{index:07d}"


def write_file(
    path: Path,
    parts: Parts,
    description: Mapping[str, Any],
    quantiser: StoredQuantiser,
    numbers: np.ndarray,
    tables: Mapping[str, pd.DataFrame],
) -> None:
    """Make the file from its parts, all of which must exist; only one of them is in memory at a time.

    Args:
        path: the file to write.
        parts: the measured particles.
        description: what ``Description`` reads, except what follows from the parts.
        quantiser: the quantiser that coded the levels.
        numbers: (n,) particle numbers.
        tables: ``particles`` and, if there is one, ``optics``.
    """
    lengths, scaling, checksums = _survey(parts)
    least = int(lengths.min())
    content = {**description, "particles": parts.count, "block_particles": BLOCK, "least_bytes": least}
    arrays = {"std": quantiser.tables.std.astype("<f4"), "checksums": checksums}
    if bool((scaling == scaling[:, :1]).all()):
        content["scaling"] = {**description["scaling"], "offset": float(scaling[0, 0]), "gain": float(scaling[1, 0])}
    else:
        arrays["scaling"] = scaling.reshape(-1)
    if quantiser.tables.values:
        arrays["values"] = np.concatenate(quantiser.tables.values).astype("<f4")
    if any(quantiser.coded):
        models = [model for model in quantiser.tables.models if model is not None]
        arrays["models"] = np.concatenate(models).astype("<u4")
    if not np.array_equal(numbers, np.arange(parts.count)):
        arrays["numbers"] = numbers.astype("<i8")
    if int(lengths.max()) > least:
        arrays["lengths"] = _smallest(lengths - least)
    arrays["star"] = np.frombuffer(encode_tables(dict(tables)), np.uint8)
    text = zlib.compress(json.dumps(content, separators=(",", ":")).encode(), 9)
    arrays = {"description": np.frombuffer(text, np.uint8), **arrays}
    write_container(path, arrays, (parts.read(i).levels for i in range(len(parts))), int(lengths.sum()))


def _survey(parts: Parts) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return lengths (n,) int64, scaling (2, n) and the checksums of the blocks."""
    lengths, scaling, checksums = [], [], []
    for index in range(len(parts)):
        part = parts.read(index)
        lengths.append(part.lengths.astype(np.int64))
        scaling.append(part.scaling)
        checksums += [zlib.crc32(block) for block in _blocks(part)]
    return np.concatenate(lengths), np.concatenate(scaling, axis=1), np.array(checksums, "<u4")


def _blocks(part: Part) -> Iterator[memoryview]:
    ends = np.concatenate([[0], np.cumsum(part.lengths, dtype=np.int64)])
    view = memoryview(part.levels)
    for first in range(0, len(part.lengths), BLOCK):
        yield view[ends[first] : ends[min(first + BLOCK, len(part.lengths))]]


def _smallest(values: np.ndarray) -> np.ndarray:
    """Return the same values in as few bytes each as the largest needs."""
    return values.astype(next(code for code in ("<u1", "<u2", "<u4") if values.max() <= np.iinfo(code).max))
